/**
 * Imports the modules named on the command line and prints what they did besides declaring things, one line each. Run by
 * architecture.test.ts. First come the packages after `--`, since what those do is not ours.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const at = process.argv.indexOf('--');
const modules = process.argv.slice(2, at);
for (const name of process.argv.slice(at + 1)) await import(name);

let importing = '';
const seen = [];

/** Replaces a function by one that tells of its use. */
function watch(owner, name, what = name) {
  const real = owner[name];
  owner[name] = function watched(...args) {
    if (importing) seen.push(`${importing} called ${what}`);
    return Reflect.apply(real, this, args);
  };
}

for (const name of ['setTimeout', 'setInterval', 'setImmediate']) watch(globalThis, name);
for (const name of ['on', 'once', 'addListener', 'exit']) watch(process, name, `process.${name}`);
for (const name of ['writeFileSync', 'appendFileSync', 'mkdirSync', 'rmSync', 'createWriteStream']) watch(fs, name);
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'fork']) watch(childProcess, name);
watch(net.Server.prototype, 'listen');
watch(net.Socket.prototype, 'connect');
watch(process.stdout, 'write', 'process.stdout.write');
watch(process.stderr, 'write', 'process.stderr.write');
process.env = new Proxy(process.env, {
  get(env, name) {
    // Node's own loader reads the one that is left out, for each import.
    if (importing && name !== 'WATCH_REPORT_DEPENDENCIES') seen.push(`${importing} read process.env.${String(name)}`);
    return env[name];
  },
});

for (const name of modules) {
  importing = name;
  await import(name);
  importing = '';
}
for (const line of seen) console.log(line);
