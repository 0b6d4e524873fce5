import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Builds the page into `example/public`, from where the app serves it. */
export default defineConfig({
  plugins: [react()],
  // Relative, so that the app may stand below any path.
  base: './',
  build: {
    outDir: '../public',
    emptyOutDir: true,
    target: 'es2022',
    // Every browser that knows light-dark().
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The page's content security policy allows no data: scripts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
