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
  // The same proportions as the package's defaults.
  return { rateLimit: { eventsPerSecond: perSecond, burst: perSecond * 2, perUserPerSecond: perSecond * 4 } };
}

const settings = {
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
  websocketPath: config.websocketPath,
  allowedOrigins: config.allowedOrigins,
  exposeEmail: config.exposeEmail,
  ...limits(config.rateLimit),
};

/** What the environment does not name is left to the package's defaults. */
export default Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
