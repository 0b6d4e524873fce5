import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

test('the example has the migrations of the package as they are, beside its own', () => {
  const names = readdirSync(folder('migrations'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder('migrations').length));
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    const [ours, copied] = [folder('migrations'), folder('example/migrations')].map((at) =>
      readFileSync(at + name, 'utf8'),
    );
    expect(copied, `example/migrations${name}`).toBe(ours);
  }
});
