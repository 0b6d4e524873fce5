/**
 * The API reference: one page per entry of the package, made from the declarations that `npm run build` makes, which are
 * what an editor shows. `npm run docs` writes the pages; a test says that they agree with the source.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
// The compiler as a library: version 7, which compiles this package, has no such interface yet.
import ts from '@typescript/typescript6';

const root = join(import.meta.dirname, '..', '..');

/** Page -> entry and what it is for. A declaration stands on the first page that has it. */
const PAGES = {
  index: { entry: '.', title: 'express-realtime-chat', about: 'The app side: the chat itself, and what to extend.' },
  worker: { entry: './worker', title: 'express-realtime-chat/worker', about: 'Workers in processes of their own.' },
  client: { entry: './client', title: 'express-realtime-chat/client', about: 'See [the client](../client.md).' },
  react: { entry: './react', title: 'express-realtime-chat/react', about: 'See [React](../react.md).' },
  testing: {
    entry: './testing',
    title: 'express-realtime-chat/testing',
    about: 'For the tests of an app. See [testing](../customising/testing.md).',
  },
};

/** Files with the parts that EventHandler is made of. */
const PARTS = /\/dist\/src\/handlers\//;

const SECTIONS = ['Functions', 'Classes', 'Constants', 'Types'];

/**
 * @typedef {object} Entry one exported name
 * @property {string} name
 * @property {string} section
 * @property {string} doc its docstring, empty where it has none
 * @property {string} code its declaration, without comments and without what is private
 * @property {{ name: string, doc: string, isMethod: boolean }[]} members
 * @property {string | undefined} page where it stands, when that is another page
 */

/**
 * Reads the declarations in dist.
 *
 * @returns {{ pages: Map<string, string>, missing: string[] }} the text by file name, and what has no docstring:
 *   `entry name`, or `entry name.method`
 */
export function makeReference() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const files = Object.values(PAGES).map(({ entry }) => join(root, exports[entry].types));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const pages = new Map();
  const missing = [];
  /** @type {Map<ts.Symbol, string>} */
  const home = new Map();
  for (const [index, [page, { entry, title, about }]] of Object.entries(PAGES).entries()) {
    const file = program.getSourceFile(files[index]);
    if (!file) throw new Error(`There is no ${files[index]}: run npm run build first.`);
    const entries = checker
      .getExportsOfModule(checker.getSymbolAtLocation(file))
      .map((symbol) => describe(checker, symbol, home, page))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, doc, members } of entries) {
      if (!doc) missing.push(`${entry} ${name}`);
      // `_method` is what `method` does by itself: one docstring tells of both.
      const documented = new Set(
        members.filter((member) => member.doc).flatMap((member) => [member.name, `_${member.name}`]),
      );
      for (const member of members) {
        if (member.isMethod && !documented.has(member.name)) missing.push(`${entry} ${name}.${member.name}`);
      }
    }
    pages.set(`${page}.md`, toPage(title, about, entries));
  }
  return { pages, missing };
}

/** @returns {Entry} */
function describe(checker, exported, home, page) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declarations = (symbol.declarations ?? []).filter((one) => !ts.isModuleDeclaration(one));
  const isOurs = declarations.every((one) => !one.getSourceFile().fileName.includes('/node_modules/'));
  const [declaration] = declarations;
  const first = home.get(symbol);
  if (!first) home.set(symbol, page);
  return {
    name: exported.name,
    section: sectionOf(declaration),
    // What is passed on from another package is explained where that is done.
    doc: isOurs ? docOf(checker, symbol) : docOfNode(exported.declarations[0].parent.parent),
    code: isOurs ? declarations.map((one) => print(checker, one)).join('\n') : '',
    members: isOurs ? declarations.flatMap((one) => membersOf(checker, one)) : [],
    page: first === page ? undefined : first,
  };
}

function sectionOf(declaration) {
  const isArrow = declaration?.type && ts.isVariableDeclaration(declaration) && ts.isFunctionTypeNode(declaration.type);
  if (isArrow || (declaration && ts.isFunctionDeclaration(declaration))) return 'Functions';
  if (declaration && ts.isClassDeclaration(declaration)) return 'Classes';
  return declaration && (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration))
    ? 'Types'
    : 'Constants';
}

/** The docstring, or the one of the member that it overrides; tags as they stand. */
function docOf(checker, symbol) {
  const tags = symbol.getJsDocTags(checker).map(({ name, text }) => `\`@${name}\` ${ts.displayPartsToString(text)}`);
  return [ts.displayPartsToString(symbol.getDocumentationComment(checker)), ...tags].join('\n\n').trim();
}

function docOfNode(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
    .join('\n\n');
}

function isPrivate(member) {
  const isHidden = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private;
  return isHidden || (member.name && ts.isPrivateIdentifier(member.name));
}

/** The members as they are declared: of classes, interfaces, and of the object type of a constant or an alias. */
function listOf(checker, declaration) {
  if (ts.isClassDeclaration(declaration)) return membersOfClass(checker, declaration);
  if (declaration.members) return declaration.members;
  const { type } = declaration;
  return type && ts.isTypeLiteralNode(type) ? type.members : [];
}

/** A class that is in parts is one class to its users: it has the members of its bases that no entry exports. */
function membersOfClass(checker, declaration) {
  const own = declaration.members.filter((member) => !isPrivate(member));
  const base = partOf(checker, declaration);
  if (!base) return own;
  const names = new Set(own.map(({ name, kind }) => name?.getText() ?? kind));
  return [...membersOfClass(checker, base).filter(({ name, kind }) => !names.has(name?.getText() ?? kind)), ...own];
}

/** The base class, when it is ours and a part only. */
function partOf(checker, declaration) {
  const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  const symbol = base && checker.getTypeAtLocation(base.expression).symbol;
  const [found] = symbol?.declarations ?? [];
  const isPart = found && ts.isClassDeclaration(found) && PARTS.test(found.getSourceFile().fileName);
  return isPart ? found : undefined;
}

function membersOf(checker, declaration) {
  const seen = new Set();
  return listOf(checker, declaration).flatMap((member) => {
    if (!member.name || isPrivate(member)) return [];
    const symbol = checker.getSymbolAtLocation(member.name);
    if (!symbol || seen.has(symbol)) return [];
    seen.add(symbol);
    const isMethod = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
    const name = member.name.getText();
    return [{ name: isMethod ? `${name}()` : name, doc: docOf(checker, symbol), isMethod }];
  });
}

function print(checker, declaration) {
  const printer = ts.createPrinter({ removeComments: true });
  const toCode = (node, file) => printer.printNode(ts.EmitHint.Unspecified, node, file);
  // Of a constant the list around it, which says `const`.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent : declaration;
  const code = ts.isClassDeclaration(node)
    ? toCode(withoutMembers(checker, node), node.getSourceFile()).replace(
        /\n?\}$/,
        membersOfClass(checker, node)
          .map((member) => `\n${toCode(member, member.getSourceFile())}`.replaceAll('\n', '\n    '))
          .join('')
          .concat('\n}'),
      )
    : toCode(node, node.getSourceFile());
  return code
    .replace(/^(export |default |declare )+/, '')
    .replace(/\n\s*\n/g, '\n')
    .replaceAll('    ', '  ');
}

function withoutMembers(checker, node) {
  const isPart = partOf(checker, node) !== undefined;
  const clauses = isPart ? undefined : node.heritageClauses;
  return ts.factory.updateClassDeclaration(node, node.modifiers, node.name, node.typeParameters, clauses, []);
}

/** GitHub's anchor of a heading. */
const anchorOf = (name) => name.toLowerCase();

/** One line of a list or a table. */
const inLine = (text) => text.replace(/\s+/g, ' ').trim();

/** @param {Entry[]} entries */
function toPage(title, about, entries) {
  const parts = SECTIONS.map((section) => [section, entries.filter((entry) => entry.section === section)]).filter(
    ([, list]) => list.length > 0,
  );
  const contents = parts.map(
    ([section, list]) =>
      `**${section}:** ${list.map(({ name, page }) => `[${name}](${page ? `${page}.md` : ''}#${anchorOf(name)})`).join(', ')}`,
  );
  const here = parts.map(([section, list]) => [section, list.filter(({ page }) => !page)]);
  const texts = here
    .filter(([, list]) => list.length > 0)
    .map(([section, list]) => `## ${section}\n\n${list.map(toText).join('\n\n')}`);
  const note = '<!-- Made by npm run docs from the docstrings: change those. -->';
  return `${[note, `# ${title}`, about, ...contents, ...texts].join('\n\n')}\n`;
}

/** @param {Entry} entry */
function toText({ name, doc, code, members }) {
  const described = members
    .filter((member) => member.doc)
    .map((member) => `- \`${member.name}\`: ${inLine(member.doc)}`);
  return [`### ${name}`, doc, code && `\`\`\`ts\n${code}\n\`\`\``, described.join('\n')].filter(Boolean).join('\n\n');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { pages, missing } = makeReference();
  mkdirSync(join(root, 'docs', 'api'), { recursive: true });
  for (const [name, text] of pages) writeFileSync(join(root, 'docs', 'api', name), text);
  for (const name of missing) process.stderr.write(`No docstring: ${name}\n`);
}
