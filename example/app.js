import { fileURLToPath } from 'node:url';
import express from 'express';
import { healthRoutes } from './health.js';
import { answerErrors, notFound } from './http-errors.js';
import { userRoutes } from './users/routes.js';

const PAGE = fileURLToPath(new URL('./public', import.meta.url));
/** Small clients of other kinds, see clients/README.md. */
const CLIENTS = fileURLToPath(new URL('./clients', import.meta.url));

/** The page runs its own scripts only: message content is HTML, and this is the second wall behind the sanitiser. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Pictures, films and sounds of messages lie anywhere; they are only shown.
  "img-src 'self' http: https:",
  'media-src http: https:',
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The Express app: chat, HTTP API, health, page.
 *
 * @param {object} options
 * @param {import('./config.js').Config} options.config
 * @param {any} options.chat what `createChat` returned
 * @param {any} options.User
 * @param {() => boolean} options.isStarted
 * @param {(line: string) => void} options.log
 */
export function createApp({ config, chat, User, isStarted, log }) {
  const app = express();
  app.disable('x-powered-by');
  app.use(chat.middleware());
  app.use((_request, response, next) => {
    response.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.set('X-Content-Type-Options', 'nosniff');
    response.set('Referrer-Policy', 'no-referrer');
    next();
  });
  app.use(healthRoutes({ chat, isStarted }));
  app.use('/api', userRoutes({ config, User }));
  app.get('/settings.json', (_request, response) => {
    response.json({ websocketPath: chat.settings.websocketPath, demo: config.seed });
  });
  app.use(express.static(PAGE));
  app.use('/clients', express.static(CLIENTS));
  app.use(notFound);
  app.use(answerErrors(log));
  return app;
}
