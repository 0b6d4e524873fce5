/** What can be told of the pages without running their code: that they agree with the source and with each other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as entry from '../../src/index.js';
import { CloseCode, ErrorCode } from '../../src/protocol/errors.js';
import { mediaTypes, mimeTypes } from '../../src/protocol/media.js';
import { payloadSchemas, userIdSchema } from '../../src/protocol/payloads.js';
import { modelNames, rateLimitKeys, serializerNames, settingsRules } from '../../src/settings/rules.js';
import { resolveSettings } from '../../src/settings/settings.js';
import { anchorsOf, blocksIn, codeBlocks, pageNames, proseOf, readPage, root, tableRows } from './pages.js';

const pages = pageNames();
const protocolPage = 'docs/protocol.md';

/** All TypeScript files below a folder of the source, as one text. */
function sourceOf(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'))
    .join('\n');
}

/** Whether it runs the bench with options and scenes that there are. */
function isBenchCommand(command: string): boolean {
  const given = /^npm run bench(?: -- (.+))?$/.exec(command);
  const [options, scenes] = ['bench/options.ts', 'bench/scenes/index.ts'].map((file) => readPage(file));
  return (
    given !== null &&
    [...(given[1] ?? '').matchAll(/--([\w-]+)/g)].every(([option]) => options!.includes(`\n  ${option} `)) &&
    [...(given[1] ?? '').matchAll(/--scene (\S+)/g)].every(([, scene]) => scenes!.includes(`name: '${scene}'`))
  );
}

describe('links', () => {
  test.each(pages)('of %s lead somewhere', (page) => {
    const broken = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(file).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  test('lead to every page from README', () => {
    for (const page of pages.filter((name) => name !== 'README.md'))
      expect(readPage('README.md')).toContain(`(${page})`);
  });
});

describe('names', () => {
  test.each(pages)('of files in %s are of files that exist', (page) => {
    const named = [...readPage(page).matchAll(/\b(?:src|worker|test|example|migrations|docs)\/[\w./-]*\w/g)]
      .map(([path]) => path)
      // What a reader makes: README's own files.
      .filter((path) => !codeBlocks(page).some(({ file }) => file === path));
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  // Those of docs/api are read from the source.
  test.each(pages.filter((name) => !name.startsWith('docs/api/')))(
    'of methods and classes in %s are of the package',
    (page) => {
      const { EventHandler, PermissionHandler } = entry;
      const methods = (base: { prototype: object }) => {
        const names = new Set<string>();
        for (let of = base.prototype; of !== Object.prototype; of = Object.getPrototypeOf(of)) {
          for (const name of Object.getOwnPropertyNames(of)) names.add(name);
        }
        return names;
      };
      const known = new Set([
        ...Object.keys(entry),
        ...methods(EventHandler),
        ...methods(PermissionHandler),
        ...methods(entry.ChatMessagingConsumer),
      ]);
      const prose = proseOf(page).replace(/\s+/g, ' ');
      const wrong = [...prose.matchAll(/`(_?(?:have|can|is|create|receive|Abstract)[A-Z]\w+)`/g)]
        .map(([, name]) => name!)
        .filter((name) => !known.has(name) && !(name in settingsRules().keys) && name !== 'createRemoteJWKSet')
        .filter((name) => name !== 'createWorker');
      expect(wrong).toEqual([]);
    },
  );

  test('of the eighteen pairs, the questions and the guards are all on the architecture page', () => {
    const page = readPage('docs/architecture.md');
    const { EventHandler, PermissionHandler } = entry;
    const pairs: string[] = [];
    for (let of = EventHandler.prototype; of !== Object.prototype; of = Object.getPrototypeOf(of)) {
      const names = Object.getOwnPropertyNames(of);
      pairs.push(...names.filter((name) => names.includes(`_${name}`)));
    }
    const questions = Object.getOwnPropertyNames(PermissionHandler.prototype).filter((name) => /^(have|is)/.test(name));
    const guards = Object.keys(entry).filter((name) => /^(can[A-Z]|everyone$|isRoomAdmin$)/.test(name));
    expect(pairs.length).toBeGreaterThanOrEqual(18);
    expect(questions.length).toBe(7);
    expect(guards.length).toBe(8);
    // Operations that the package has beyond the pairs of its first design need no words there.
    const mentioned = pairs.filter((name) => page.includes(`\`${name}\``));
    expect(mentioned.length).toBeGreaterThanOrEqual(18);
    for (const name of [...questions, ...guards]) expect(page).toContain(`\`${name}\``);
  });

  test.each(pages)('of machines, registries and neighbours are not in %s', (page) => {
    expect(readPage(page)).not.toMatch(/\/(work|root|home|tmp)\/|\.\.\/shared|\.library|registry\.|npmjs/i);
    expect(readPage(page)).not.toMatch(/—|leverage|seamless|robust|blazing|powerful|cutting-edge/i);
  });
});

describe('code on the pages', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n');

  test('has a file name, under which a test runs it', () => {
    const blocks = blocksIn('js', 'ts');
    expect(blocks.length).toBeGreaterThan(10);
    for (const { page, file } of blocks) {
      expect(file, `a block of ${page} has no file name`).toBeDefined();
      expect(tests, `${file} of ${page} is in no test`).toContain(`'${file}'`);
    }
  });

  test('is in a language that a test looks at', () => {
    const known = ['js', 'ts', 'json', 'bash', 'sql', 'conf', 'nginx', 'text'];
    const all = pages.flatMap(codeBlocks);
    expect(all.filter(({ language }) => !known.includes(language))).toEqual([]);
    const fences = pages
      .map((page) => readPage(page).split(/^ *```/m).length - 1)
      .reduce((sum, count) => sum + count, 0);
    expect(all.length * 2, 'every fence belongs to a block that was found').toBe(fences);
  });

  test('as JSON parses', () => {
    for (const { code } of blocksIn('json')) expect(() => JSON.parse(code), code).not.toThrow();
  });

  test('as commands calls what there is', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const cli = readFileSync(join(root, 'src/cli/index.ts'), 'utf8');
    const files = blocksIn('js', 'ts').map(({ file }) => file);
    for (const { page, code } of blocksIn('bash')) {
      for (const line of code.trim().split('\n')) {
        const command = line.replace(/^([A-Z_]+=\S+ )+/, '');
        const script = /^npm ci && npm (?:run )?(\w+)$/.exec(command)?.[1];
        const [, program, subcommand] = /^npx (\S+) (\S+)/.exec(command) ?? [];
        const started = /^node (?:--\S+ )*(\S+)$/.exec(command)?.[1];
        const isKnown =
          (script !== undefined && script in scripts) ||
          (program === 'express-realtime-chat' && cli.includes(`'${subcommand}'`)) ||
          (program === 'sequelize-cli' && subcommand === 'db:migrate') ||
          (started !== undefined && files.includes(started)) ||
          /^npm install [\w -]+$/.test(command) ||
          /^export [A-Z_]+=\S/.test(command) ||
          isBenchCommand(command);
        expect(isKnown, `${page}: ${line}`).toBe(true);
      }
    }
  });

  test("as nginx's settings is complete, and more patient than the pings", () => {
    const [block] = blocksIn('nginx');
    const { code } = block!;
    let depth = 0;
    for (const line of code.split('\n').filter((text) => text.trim() !== '')) {
      expect(line).toMatch(/^ *(\S.*\{|\}|\S.*;)$/);
      depth += line.endsWith('{') ? 1 : line.trim() === '}' ? -1 : 0;
      expect(depth).toBeGreaterThanOrEqual(0);
    }
    expect(depth).toBe(0);
    const location = /location \/messaging \{([^}]*)\}/.exec(code)![1]!;
    expect(location).toContain('proxy_http_version 1.1;');
    expect(location).toContain('proxy_set_header Upgrade $http_upgrade;');
    expect(location).toContain('proxy_set_header Host $http_host;');
    const { pingInterval, websocketPath } = resolveSettings({});
    expect(`${/location (\/messaging)/.exec(code)![1]}/`).toBe(`/${websocketPath}`);
    for (const [, seconds] of location.matchAll(/timeout (\d+)s;/g))
      expect(Number(seconds)).toBeGreaterThan(pingInterval * 2);
  });
});

describe('the settings page', () => {
  const rows = tableRows('docs/settings.md');
  const end = rows.findIndex(([name]) => name === 'option');
  const described = new Map(
    rows
      .slice(0, end)
      .flatMap(([name, value]) => (/^`\w+`$/.test(name!) ? [[name!.slice(1, -1), value!] as const] : [])),
  );

  test('has every setting, and no other', () => {
    expect([...described.keys()].sort()).toEqual(Object.keys(settingsRules().keys).sort());
  });

  test('has the defaults that the code has', () => {
    const defaults = resolveSettings({}) as unknown as Record<string, unknown>;
    for (const [name, text] of described) {
      // It depends on another setting; what follows from that is said in words.
      if (name === 'database') continue;
      const value = defaults[name];
      if (value === undefined) expect(text, name).toBe('none');
      else expect(JSON.parse(/^`(.+)`$/.exec(text)?.[1] ?? 'null'), name).toEqual(value);
    }
    expect(defaults.database).toMatchObject({ dialect: 'sqlite' });
    const [, words] = rows.find(([name]) => name === '`database`')!;
    const { storage } = defaults.database as { storage: string };
    expect(words).toContain(storage.slice(process.cwd().length + 1));
  });

  test('has every limit in rateLimit, and no other', () => {
    const limits = rows.flatMap(([name]) => /^`rateLimit\.(\w+)`$/.exec(name!)?.[1] ?? []);
    expect(limits.sort()).toEqual([...rateLimitKeys].sort());
  });

  test('names every model and serializer that may be replaced', () => {
    const page = readPage('docs/settings.md');
    for (const name of [...modelNames, ...serializerNames]) expect(page).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test('has every option of jwtAuthentication', () => {
    const source = readFileSync(join(root, 'src/gateway/authentication.ts'), 'utf8');
    const names = /const optionNames = \[([^\]]+)\]/.exec(source)![1]!.match(/\w+/g)!;
    const options = rows.slice(end + 2).flatMap(([name]) => name!.match(/\w+/g)!);
    expect(options.sort()).toEqual(names.sort());
  });
});

describe('the architecture page', () => {
  test('lets every folder import what it does import', () => {
    const rows = tableRows('docs/architecture.md').filter(([folder]) => /^`(src\/)?\w+`$/.test(folder!));
    const folders = new Set(readdirSync(join(root, 'src')).filter((name) => !name.includes('.')));
    expect(rows.map(([folder]) => folder!.replace(/^`(src\/)?|`$/g, '')).sort()).toEqual([...folders, 'worker'].sort());
    for (const [folder, , mayImport] of rows.filter(([name]) => name !== '`worker`')) {
      const source = sourceOf(folder!.slice(1, -1)).replace(/^\s*(\/\*|\*|\/\/).*$/gm, '');
      const imported = [...source.matchAll(/from '(?:\.\.\/)+(\w+)\//g)].map(([, name]) => name!);
      // A file of `src/store/reads` reaches its own folder by `../`, too.
      const others = [...new Set(imported)].filter((name) => folders.has(name) && folder !== `\`src/${name}\``);
      for (const name of others) expect(mayImport, `${folder} imports ${name}`).toContain(`\`${name}\``);
    }
  });
});

describe('the protocol page', () => {
  // Where a line ends does not matter.
  const page = readPage(protocolPage).replace(/\s+/g, ' ');
  const ticked = new Set([...proseOf(protocolPage).matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!));
  const schemas = payloadSchemas({ ...resolveSettings({}), userId: userIdSchema('integer') });
  const inTables = tableRows(protocolPage).map(([first]) => first!);

  test('has every event in a table, and no other', () => {
    const events = inTables
      .filter((cell) => /^`(message|room|session)\.\w+`$/.test(cell))
      .map((cell) => cell.slice(1, -1));
    expect(events.sort()).toEqual([...schemas.keys()].sort());
  });

  test('has every dispatch of the source, and no other', () => {
    const names = (text: string) =>
      [...new Set(text.match(/\b[a-z]+\.(?:dispatch|notifications|resumed|ack)\b/g))].filter(
        (name) => name !== 'data.ack',
      );
    const sent = names(sourceOf('src').replace(/^\s*(\/\*)?\*.*$|\/\/.*$/gm, ''));
    expect(names(page).sort()).toEqual(sent.sort());
    expect(sent.length).toBeGreaterThan(15);
  });

  test('has every error code and close code in a table, and no other', () => {
    const codes = inTables.filter((cell) => /^\d{4}$/.test(cell)).map(Number);
    expect(codes.sort()).toEqual([...Object.values(ErrorCode), ...Object.values(CloseCode)].sort());
  });

  test('names every field that an event takes', () => {
    const all = new Set([...schemas.values()].flatMap((schema) => [...fieldsOf(schema)]));
    for (const found of ['room_id', 'media_url', 'preferences', 'permission', 'is_public', 'size']) {
      expect(all, 'what the walk must find').toContain(found);
    }
    for (const [event, schema] of schemas) {
      for (const field of fieldsOf(schema)) {
        expect(page.includes(`\`${field}\``) || page.includes(`"${field}"`), `${field} of ${event}`).toBe(true);
      }
    }
  });

  test('names every media type, mime type and permission', () => {
    for (const type of mimeTypes) expect(page).toContain(type);
    for (const type of mediaTypes) expect(ticked).toContain(type);
    const permissions = sourceOf('src/permissions').match(/can_[a-z_]+[a-z]/g)!;
    // `can_add_new_${whom}` is put together there.
    for (const name of permissions.filter((text) => !text.endsWith('_new') && text !== 'can_remove'))
      expect(ticked).toContain(name);
  });

  test('has the sentences that clients may look for', () => {
    const source = sourceOf('src');
    const quoted = [...proseOf(protocolPage).matchAll(/(?:4\d\d\d|is(?: only| always)?) "([A-Z][^"]+)"/g)].map(
      ([, text]) => text!.replace(/\s+/g, ' '),
    );
    expect(quoted.length).toBeGreaterThan(6);
    for (const sentence of quoted) expect(source).toContain(sentence);
  });

  test('has the limits that the settings have', () => {
    const { maxPayload, maxIdsPerEvent, maxMembersPerCall, maxPageSize, rateLimit, maxRoomMembers, ...others } =
      resolveSettings({});
    const limits = new Map(tableRows(protocolPage).filter((row) => row.length === 2) as [string, string][]);
    const number = (value: number) => value.toLocaleString('en-US');
    expect(limits.get('a frame')).toContain(`${number(maxPayload)} bytes`);
    expect(limits.get('ids in `message_id`')).toContain(String(maxIdsPerEvent));
    expect(limits.get('ids in `members`, `users`')).toContain(String(maxMembersPerCall));
    if (!rateLimit) throw new Error('There is a limit by default.');
    const { eventsPerSecond, burst, perUserPerSecond, perUserBurst, refusals } = rateLimit;
    expect(limits.get('events of one connection')).toBe(`${eventsPerSecond} a second, ${burst} at once`);
    expect(limits.get('events of one user at one gateway')).toBe(
      `${perUserPerSecond} a second, ${perUserBurst} at once`,
    );
    expect(limits.get('events refused with 4029 before 1008')).toBe(`${refusals}; ten are forgiven each second`);
    expect(limits.get('a frame')).toContain(`${others.maxDepth} levels`);
    expect(limits.get('attachments of a message')).toBe(String(others.maxMediaPerMessage));
    expect(page).toContain(`size 1 to ${maxPageSize}`);
    expect(page).toContain(`up to ${number(maxRoomMembers)}`);
    expect(page).toContain(`1 to ${number(others.maxContentLength)} code points`);
    expect(page).toContain(`at most ${others.memberListSize} Users`);
    expect(page).toContain(`the newest ${others.receiptListSize} each`);
    expect(page).toContain(
      `more than ${others.recoverableBroadcasts} broadcasts or ${others.recoverableFor / 3600} hours`,
    );
    expect(page).toContain(`two intervals of ${others.pingInterval} seconds`);
    expect(page).toContain(
      `of one user (${others.maxConnectionsPerUser}) or address (${others.maxConnectionsPerAddress})`,
    );
    expect(page).toContain(`not ready after ${others.readyTimeout} seconds`);
    expect(page).toContain(`longer than ${others.handlerTimeout} seconds`);
    expect(page).toContain(`nothing was heard of it for ${others.inactivityThreshold} seconds`);
  });
});

/** The keys of a schema's objects, however deep, its cases included. `describe()` does not take our sentences. */
function fieldsOf(schema: unknown, fields = new Set<string>()): Set<string> {
  const { $_terms: terms } = schema as { $_terms?: Record<string, unknown[] | null> };
  for (const term of Object.values(terms ?? {}).flatMap((list) => list ?? [])) {
    if (typeof term !== 'object' || term === null) continue;
    const { key, schema: inner } = term as { key?: unknown; schema?: unknown };
    if (typeof key === 'string' && inner) fields.add(key);
    const { switch: cases = [], ...more } = term as { switch?: object[] };
    for (const part of [term, ...Object.values(more), ...cases.flatMap((one) => Object.values(one))]) {
      if (typeof part === 'object' && part !== null && '$_terms' in part) fieldsOf(part, fields);
    }
  }
  return fields;
}

describe('README', () => {
  test('names for every promise tests that exist', () => {
    const rows = tableRows('README.md');
    const promises = rows.slice(rows.findIndex(([head]) => head === 'promise') + 2);
    expect(promises.length).toBeGreaterThan(10);
    for (const [promise, tests] of promises) {
      const files = [...tests!.matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)].map(([, file]) => file!);
      expect(files, promise).not.toEqual([]);
      for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  test('begins with what it is, in five lines, and the two commands', () => {
    const [, what, start] = readPage('README.md').split(/^#+ .*$/m);
    expect(what!.trim().split('\n')).toHaveLength(5);
    expect(start).toMatch(/npm ci && npm start\n[\s\S]*npm ci && npm test\n/);
  });

  test('names the demo users and the password that the example has', () => {
    const seed = readFileSync(join(root, 'example/seed.js'), 'utf8');
    const names = /DEMO_NAMES = \[([^\]]+)\]/.exec(seed)?.[1]?.match(/\w+/g) ?? [];
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(readPage('README.md')).toContain(name);
    expect(readPage('README.md')).toContain(`\`${/DEMO_PASSWORD = '([^']+)'/.exec(seed)?.[1]}\``);
  });
});
