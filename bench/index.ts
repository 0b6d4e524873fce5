/** The bench's command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bench } from './bench.js';
import { writePage } from './docs/page.js';
import { resultOf, type SceneResult, writeResults } from './docs/results.js';
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
  const results: SceneResult[] = [];
  const keep = () => {
    if (options.output) writeFileSync(options.output, JSON.stringify(results, null, 1));
    if (!options.record) return;
    const names = scenes.map(({ name }) => name);
    writePage(bench.root, writeResults(join(bench.root, 'bench', 'results.json'), names, results));
  };
  try {
    for (const scene of chosen) {
      const before = bench.report.lines.length;
      const began = performance.now();
      try {
        await scene.run(bench, scene.about);
      } catch (error) {
        // The others are still worth their time.
        process.stderr.write(`\nThe scene ${scene.name} failed: ${(error as Error).stack ?? error}\n`);
        process.exitCode = 1;
        await bench.abandon();
        continue;
      }
      bench.report.note(`(${scene.name} took ${Math.round((performance.now() - began) / 1000)} s)`);
      results.push(resultOf(scene.name, bench.report.lines.slice(before), options));
      // After each: what was measured is not lost with what comes later.
      keep();
    }
  } finally {
    await bench.close();
  }
}

main().then(
  () => process.exit(),
  (error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
  },
);
