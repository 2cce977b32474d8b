/**
 * JupyterLab's extension: registers the kernel. JupyterLab loads extensions as federated modules, an object with `init`
 * and `get`; this one needs a single package of the page's, so it is written by hand instead of with a bundler.
 */
import { kernelClass } from './desk.mjs';

const NAME = 'convscope';
/** Where this script lies; the worker and the course's files lie beside it. */
const own = new URL('.', /** @type {HTMLScriptElement} */ (document.currentScript).src).href;

/** The page's own copy of a package: tokens are compared by identity. */
async function sharedPackage(scope, name) {
  const versions = Object.values(scope[name] ?? {});
  if (versions.length === 0) throw new Error(`${name} is not shared by this JupyterLite`);
  return (await versions.at(-1).get())();
}

const spec = (resources) => ({
  name: NAME,
  display_name: 'TypeScript (convscope)',
  language: 'typescript',
  argv: [],
  resources,
});

function pluginOf({ BaseKernel, IKernelClient, IKernelSpecs }) {
  return {
    id: `${NAME}:kernel`,
    autoStart: true,
    requires: [IKernelSpecs, IKernelClient],
    activate({ serviceManager: { contents } }, specs, client) {
      const base = new URL('../../../', own).href;
      const language = document.documentElement.lang || 'zh-CN';
      const Kernel = kernelClass(BaseKernel, { workerUrl: `${own}worker.js`, base, language, contents });
      const logo = (size) => `${own}logo-${size}.png`;
      specs.register({
        spec: spec({ 'logo-32x32': logo('32x32'), 'logo-64x64': logo('64x64') }),
        create: async (options) => new Kernel(options),
      });
      // the client drops the cells that wait, but does not tell the kernel
      const { interrupt } = client;
      client.interrupt = async (id) => {
        await interrupt.call(client, id);
        await (await client.getModel(id))?.interrupt?.();
      };
    },
  };
}

let scope;
(globalThis._JUPYTERLAB ??= {})[NAME] = {
  init(given) {
    scope = given;
  },
  async get() {
    const plugin = pluginOf(await sharedPackage(scope, '@jupyterlite/services'));
    return () => ({ default: plugin, __esModule: true });
  },
};
