/**
 * The chat's settings, for the app (server.js) and its workers alike:
 * worker.js imports them, `npx express-realtime-chat worker --config example/chat.config.js` reads them too.
 */

import { jwtAuthentication } from 'express-realtime-chat';
import { readConfigOrExit } from './config.js';
import { createDatabase } from './database.js';
import { defineUser } from './users/model.js';

export const config = readConfigOrExit();
export const database = createDatabase(config.databaseUrl);
export const User = defineUser(database);

/** @param {number | undefined} perSecond the environment's CHAT_RATE_LIMIT */
function limits(perSecond) {
  if (perSecond === undefined) return {};
  if (perSecond === 0) return { rateLimit: false, maxConnectionsPerUser: 0, maxConnectionsPerAddress: 0 };
  return { rateLimit: { eventsPerSecond: perSecond } };
}

/** What is undefined here, because the environment does not name it, is left to the package's defaults. */
export default {
  userModel: User,
  redis: config.redisUrl,
  authenticate: jwtAuthentication({
    secret: config.jwtSecret,
    algorithms: ['HS256'],
    loadUser: (payload) => (/^\d{1,15}$/.test(payload.sub ?? '') ? User.findByPk(Number(payload.sub)) : null),
  }),
  messageSoftDelete: config.messageSoftDelete,
  enableNotification: config.enableNotification,
  inactivityThreshold: config.inactivityThreshold,
  pingInterval: config.pingInterval,
  websocketPath: config.websocketPath,
  allowedOrigins: config.allowedOrigins,
  exposeEmail: config.exposeEmail,
  ...limits(config.rateLimit),
};
