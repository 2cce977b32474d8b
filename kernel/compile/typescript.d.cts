/** What TypeScript has and the kernel uses, but TypeScript's own types do not tell. */
import type {} from 'typescript';

declare module 'typescript' {
  const Diagnostics: { Unterminated_string_literal: DiagnosticMessage };
  function bindSourceFile(file: SourceFile, options: CompilerOptions): void;
  function findNextToken(token: Node, parent: Node, file: SourceFile): Node | undefined;
  function findPrecedingToken(position: number, file: SourceFile): Node | undefined;
  function getTouchingPropertyName(file: SourceFile, position: number): Node;
  function isAssignmentTarget(node: Node): boolean;
  function isBindingPattern(node: Node): node is BindingPattern;
  function isLogicalOrCoalescingAssignmentOperator(token: SyntaxKind): boolean;
  function setSys(sys: Partial<System>): void;

  interface SourceFile {
    externalModuleIndicator?: Node | true;
    identifiers: ReadonlyMap<string, string>;
    imports: readonly StringLiteralLike[];
    locals?: ReadonlyMap<string, Symbol>;
    parseDiagnostics: readonly DiagnosticWithLocation[];
  }
}
