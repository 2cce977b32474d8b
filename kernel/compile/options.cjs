'use strict';
/** The options of a function, for Shift-Tab: name, type, default and meaning of every field of its last parameter. */
const ts = require('typescript');

/**
 * @typedef {{ name: string, type: string, initial?: string, text: string }} Option
 * @returns {{ title: string, options: Option[] }[]}
 */
function optionsOf(sourceFile, checker, position) {
  const node = ts.getTouchingPropertyName(sourceFile, position);
  if (!node || !ts.isIdentifier(node)) return [];
  let symbol = checker.getSymbolAtLocation(node);
  if (symbol && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
  const declaration = symbol?.valueDeclaration;
  if (!declaration || inPackage(declaration)) return [];
  const signature = checker.getTypeOfSymbolAtLocation(symbol, node).getCallSignatures()[0];
  return (signature?.getParameters() ?? []).flatMap((parameter) => {
    const declared = parameter.valueDeclaration;
    const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(parameter, node));
    if (!declared || !ts.isParameter(declared) || !(declared.initializer || declared.questionToken)) return [];
    const fields = type.flags & ts.TypeFlags.Object ? type.getProperties() : [];
    if (
      fields.length === 0 ||
      // more fields than a table for Shift-Tab has room for: an object that was never meant as options
      fields.length > 30 ||
      fields.some((f) => !f.valueDeclaration || inPackage(f.valueDeclaration))
    )
      return [];
    const initials = defaultsOf(declared);
    const options = fields.map((field) => ({
      name: field.name,
      type: checker.typeToString(checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(field, node))),
      initial: initials.get(field.name),
      text: ts.displayPartsToString(field.getDocumentationComment(checker)),
    }));
    return [{ title: type.aliasSymbol?.name ?? type.symbol.name, options }];
  });
}

const inPackage = (declaration) => declaration.getSourceFile().fileName.includes('/node_modules/');

/** `{ size = 40, stride = 8 }: Options = {}` says its defaults itself. */
function defaultsOf(parameter) {
  const elements = ts.isObjectBindingPattern(parameter.name) ? parameter.name.elements : [];
  const given = elements.filter((element) => element.initializer);
  return new Map(given.map((e) => [(e.propertyName ?? e.name).getText(), e.initializer.getText()]));
}

module.exports = { optionsOf };
