import { jwtVerify, SignJWT } from 'jose';

/**
 * Signs and reads the tokens of the HTTP API; the socket checks the same ones through `jwtAuthentication`.
 *
 * @param {{ jwtSecret: string, jwtExpiresIn: number }} config
 */
export function createTokens({ jwtSecret, jwtExpiresIn }) {
  const key = new TextEncoder().encode(jwtSecret);
  return {
    /** @param {{ id: number }} user @returns {Promise<string>} */
    sign(user) {
      return new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(String(user.id))
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + jwtExpiresIn)
        .sign(key);
    },

    /** @param {string | undefined} authorization the header @returns {Promise<number | null>} the user's id */
    async readUserId(authorization) {
      const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
      if (!token) return null;
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'] });
        return Number(payload.sub);
      } catch {
        return null;
      }
    },
  };
}
