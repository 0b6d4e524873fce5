import { Router } from 'express';

const TIME_LIMIT = 3000;

/**
 * `GET /livez`: the process runs. `GET /readyz`: it can serve, so that a balancer may send it users.
 *
 * @param {{ chat: { health(): Promise<{ database: boolean, redis: boolean, socket: boolean }> }, isStarted: () => boolean }} options
 */
export function healthRoutes({ chat, isStarted }) {
  const router = Router();
  router.get('/livez', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/readyz', async (_request, response) => {
    const parts = { started: isStarted(), ...(await healthInTime(chat)) };
    const isReady = Object.values(parts).every(Boolean);
    response.set('Cache-Control', 'no-store');
    response.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'not ready', ...parts });
  });
  return router;
}

/** A database that accepts and then says nothing must not leave the question open. */
async function healthInTime(chat) {
  const unknown = { database: false, redis: false, socket: false };
  let timer;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, TIME_LIMIT, unknown);
  });
  try {
    return await Promise.race([chat.health(), limit]);
  } catch {
    return unknown;
  } finally {
    clearTimeout(timer);
  }
}
