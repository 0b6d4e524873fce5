/**
 * `npm run soak [minutes] [seed]`: hours of bad luck in half an hour, see docs/guarantees.md. Loads the TypeScript beside
 * it by vite's module runner, so that it runs on every Node that the package runs on.
 */
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('./soak.ts', import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
process.exit(await module.soak(process.argv.slice(2), process.env));
