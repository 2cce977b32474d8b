import tseslint from 'typescript-eslint';

const node = [
  'process',
  'console',
  'Buffer',
  'URL',
  'fetch',
  'AbortSignal',
  'AbortController',
  'performance',
  'TextDecoder',
  'TextEncoder',
];
const timers = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'structuredClone',
  'globalThis',
];
const commonjs = ['require', 'module', '__dirname', '__filename', 'exports'];
/** @param {string[]} names @returns {Record<string, 'readonly'>} */
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));
const globals = readonly([...node, ...timers]);
const commonjsGlobals = { ...globals, ...readonly(commonjs) };
const page = ['window', 'document', 'console', 'IntersectionObserver', 'requestAnimationFrame'];
const pageGlobals = readonly(page);

const worker = ['self', 'navigator', 'queueMicrotask', 'MessageChannel', 'XMLHttpRequest', 'OffscreenCanvas', 'createImageBitmap', 'ImageData', 'Blob', 'FontFace', 'Worker', 'URLSearchParams', 'atob']; // prettier-ignore
const workerGlobals = readonly(worker);

const offline = ['caches', 'Headers', 'Response', 'location', 'sessionStorage'];

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      '.venv/',
      '.cache/',
      '.jupyter/',
      'dist/',
      'site/',
      'test-results/',
      'data/',
      '**/.ipynb_checkpoints/',
    ],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    rules: {
      'constructor-super': 'error',
      'for-direction': 'error',
      'no-cond-assign': 'error',
      'no-const-assign': 'error',
      'no-debugger': 'error',
      'no-dupe-keys': 'error',
      'no-duplicate-case': 'error',
      'no-self-assign': 'error',
      'no-sparse-arrays': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-unused-private-class-members': 'error',
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    extends: [tseslint.configs.base],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.javascript.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: { '@typescript-eslint/no-floating-promises': 'error' },
  },
  { files: ['**/*.mjs', '**/*.cjs', '**/*.js'], rules: { 'no-undef': 'error', 'no-unused-vars': 'error' } },
  { files: ['**/*.mjs'], languageOptions: { globals } },
  { files: ['scripts/html/**/*.js'], languageOptions: { sourceType: 'script', globals: pageGlobals } },
  {
    files: ['lite/page/*.js'],
    languageOptions: {
      sourceType: 'script',
      globals: { ...globals, ...pageGlobals, ...workerGlobals, ...readonly(offline) },
    },
  },
  // what is handed to a page in the browser speaks of that page
  {
    files: ['test/site/*.mjs', 'test/browser/html.test.mjs'],
    languageOptions: { globals: { ...globals, ...pageGlobals } },
  },
  // the kernel of a page lives in a worker, its desk in the page
  { files: ['lite/**/*.cjs', 'lite/**/*.mjs'], languageOptions: { globals: { ...globals, ...workerGlobals } } },
  { files: ['lite/lab/*.mjs'], languageOptions: { globals: { ...globals, ...pageGlobals, ...workerGlobals } } },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: commonjsGlobals } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      // a promise that nobody waits for swallows its error, and a kernel then seems to be ready
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      // the sources are CommonJS, and backends are loaded only when they are wanted
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
  {
    // reading at once stops everything until the numbers are there, and only two of the backends can
    files: ['lib/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression > MemberExpression[property.name=/^(dataSync|arraySync)$/]',
          message: 'await t.data() or await t.array(): nothing in lib reads a tensor synchronously.',
        },
      ],
    },
  },
);
