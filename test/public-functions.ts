/** What lib/index.ts offers, with the examples in its docstrings: found by the TypeScript compiler, not by a pattern. */
import * as path from 'node:path';
import * as ts from 'typescript';
import { root } from './helpers';

export interface PublicFunction {
  readonly name: string;
  /** Where it is declared, for messages: `lib/…ts:12`. */
  readonly at: string;
  readonly examples: readonly string[];
  /** Of one whose options take a signal. */
  readonly longRun?: LongRunTypes;
}

export interface LongRunTypes {
  /** Which of the arguments the options are. */
  readonly options: number;
  /** What `onStep` is told; undefined where there is none. */
  readonly step?: readonly string[];
  /** What the result has, or each item of a list. */
  readonly result: readonly string[];
}

const entry = path.join(root, 'lib', 'index.ts');

function optionsOfProject(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // A file of its own: the examples are no part of what `tsc` remembers. Their results often go unused.
  return { ...options, incremental: false, tsBuildInfoFile: undefined, noUnusedLocals: false };
}

function longRunOf(type: ts.Type, at: ts.Node, checker: ts.TypeChecker): LongRunTypes | undefined {
  const [signature] = type.getCallSignatures();
  const typeOf = (symbol: ts.Symbol) => checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(symbol, at));
  const options = signature.parameters.findIndex((parameter) => typeOf(parameter).getProperty('signal'));
  if (options < 0) return undefined;
  const onStep = typeOf(signature.parameters[options]).getProperty('onStep');
  const told = onStep && typeOf(typeOf(onStep).getCallSignatures()[0].parameters[0]);
  const result = checker.getAwaitedType(signature.getReturnType())!;
  const names = (one: ts.Type) => checker.getPropertiesOfType(one).map((property) => property.name);
  return { options, step: told && names(told), result: names(result.getNumberIndexType() ?? result) };
}

/** Functions, and constants that can be called; namespaces (objective, penalty …) are opened. */
function functionsOf(program: ts.Program): PublicFunction[] {
  const checker = program.getTypeChecker();
  const within = (module: ts.Symbol, prefix: string): PublicFunction[] =>
    checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const [declared] = symbol.declarations ?? [];
      const name = `${prefix}${exported.name}`;
      if (!declared?.getSourceFile().fileName.startsWith(path.join(root, 'lib'))) return [];
      if (symbol.flags & ts.SymbolFlags.ValueModule) return within(symbol, `${name}.`);
      if (!(symbol.flags & ts.SymbolFlags.Value)) return [];
      const type = checker.getTypeOfSymbolAtLocation(symbol, declared);
      if (type.getCallSignatures().length === 0) return [];
      const source = declared.getSourceFile();
      const line = source.getLineAndCharacterOfPosition(declared.getStart()).line + 1;
      const tags = symbol.getJsDocTags(checker).filter((tag) => tag.name === 'example');
      return {
        name,
        at: `${path.relative(root, source.fileName)}:${line}`,
        examples: tags.map((tag) => ts.displayPartsToString(tag.text)),
        longRun: longRunOf(type, declared, checker),
      };
    });
  return within(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!, '');
}

/** What does not type-check in the examples, each in a function of its own below `before` (its imports and names). */
function faultsOf(functions: readonly PublicFunction[], before: string, program: ts.Program): string[] {
  const file = path.join(root, 'test', 'examples.virtual.ts');
  const starts: { name: string; at: number }[] = [];
  let text = before;
  for (const { name, examples } of functions) {
    for (const code of examples) {
      starts.push({ name, at: text.length });
      text += `\nexport async function example${starts.length}() {\n${code}\n}`;
    }
  }
  const host = ts.createCompilerHost(program.getCompilerOptions());
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  // Everything else has been read and parsed already.
  host.getSourceFile = (name, version) =>
    name === file
      ? ts.createSourceFile(name, text, version)
      : (program.getSourceFile(name) ?? getSourceFile(name, version));
  const checked = ts.createProgram([file], program.getCompilerOptions(), host, program);
  const source = checked.getSourceFile(file)!;
  return [...checked.getSyntacticDiagnostics(source), ...checked.getSemanticDiagnostics(source)].map((fault) => {
    const start = starts.filter(({ at }) => at <= fault.start!).pop();
    const { line } = source.getLineAndCharacterOfPosition(fault.start!);
    const code = text.split('\n')[line].trim();
    return `${start?.name ?? '（前言）'}：${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}：${code}`;
  });
}

/** All public functions, and what is wrong with the types of their examples. */
export function readExamples(before: string): { functions: PublicFunction[]; faults: string[] } {
  const program = ts.createProgram([entry], optionsOfProject());
  const functions = functionsOf(program);
  return { functions, faults: faultsOf(functions, before, program) };
}
