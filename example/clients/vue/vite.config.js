import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** Where the example app listens; its API and its socket seem to be on the page's own host. */
const target = process.env.CHAT_SERVER ?? 'http://127.0.0.1:3000';

export default defineConfig({
  plugins: [vue()],
  server: {
    host: '127.0.0.1',
    fs: { allow: ['..'] },
    proxy: { '/api': { target }, '/messaging': { target, ws: true } },
  },
});
