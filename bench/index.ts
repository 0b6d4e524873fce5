/** The bench's command line. */
import { Bench } from './bench.js';
import { HELP, readOptions } from './options.js';
import { scenes } from './scenes/index.js';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return void process.stdout.write(HELP);
  if (options.list) {
    return void process.stdout.write(scenes.map(({ name, about }) => `${name.padEnd(16)}${about}\n`).join(''));
  }
  const unknown = options.scenes.filter((wanted) => !scenes.some(({ name }) => name === wanted));
  if (unknown.length > 0) throw new Error(`There is no scene ${unknown.join(', ')}: --list names them.`);
  const chosen = scenes.filter(({ name }) => options.scenes.length === 0 || options.scenes.includes(name));
  const bench = await Bench.start(options);
  try {
    for (const scene of chosen) await scene.run(bench, scene.about);
  } finally {
    await bench.close();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
  },
);
