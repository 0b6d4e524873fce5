import express, { Router } from 'express';
import { Op, UniqueConstraintError } from 'sequelize';
import { HttpError } from '../http-errors.js';
import { limitPerAddress } from './address-limit.js';
import { readLogin, readSignUp } from './input.js';
import { toAccount } from './model.js';
import { hashPassword, isPassword } from './passwords.js';
import { createTokens } from './tokens.js';

const TRIES_PER_MINUTE = 300;

/** @param {{ config: import('../config.js').Config, User: ReturnType<typeof import('./model.js').defineUser> }} options */
export function userRoutes({ config, User }) {
  const tokens = createTokens(config);
  const router = Router();
  // Hashing is what costs here, so what is limited is every try, good or bad.
  const limited = config.rateLimit === 0 ? [] : [limitPerAddress(TRIES_PER_MINUTE)];
  const json = express.json({ limit: '16kb' });

  router.post('/users', ...limited, json, async (request, response) => {
    const { password, ...fields } = readSignUp(request.body);
    const user = await createUser(User, fields, password);
    response.status(201).json({ token: await tokens.sign(user), user: toAccount(user) });
  });

  router.post('/login', ...limited, json, async (request, response) => {
    const { username, password } = readLogin(request.body);
    const user = await User.scope('withPassword').findOne({ where: { username } });
    if (!(await isPassword(password, user?.password_hash))) {
      throw new HttpError(401, 'The user name or the password is wrong.');
    }
    response.json({ token: await tokens.sign(user), user: toAccount(user) });
  });

  /** Whom one may start a chat with: the page turns names into ids by it. */
  router.get('/users', async (request, response) => {
    const userId = await tokens.readUserId(request.get('authorization'));
    if (userId === null) throw new HttpError(401, 'Please sign in.');
    const query = typeof request.query.query === 'string' ? request.query.query : '';
    if (!/^[A-Za-z0-9_]{0,32}$/.test(query)) return response.json({ users: [] });
    const users = await User.findAll({
      attributes: ['id', 'username', 'first_name', 'last_name'],
      where: {
        // An underscore stands for any letter here: it finds a little more, which does no harm.
        username: { [Op.startsWith]: query },
        id: { [Op.ne]: userId },
      },
      order: ['username'],
      limit: 20,
    });
    response.json({ users });
  });

  return router;
}

/** @throws {HttpError} 409 when the name is taken: the unique key decides, not a look before */
async function createUser(User, fields, password) {
  try {
    return await User.create({ ...fields, password_hash: await hashPassword(password) });
  } catch (error) {
    if (error instanceof UniqueConstraintError) throw new HttpError(409, 'This user name is taken.');
    throw error;
  }
}
