/** A token, or a token with when it ends, where that cannot be read from the token itself (it is no JWT). */
export type Token = string | { token: string; expiresAt?: Date | number | undefined };

/**
 * Why a token is asked for: to connect, to take the place of one that ends soon, or because the server refused the last.
 */
export type TokenReason = 'connect' | 'renew' | 'refused';

/** What the client wants to know of a token. */
export interface TokenFacts {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  /** The claim `sub`. */
  readonly subject: string | undefined;
}

/** Reads a token without checking it: that is the server's part. */
export function readToken(given: Token): TokenFacts {
  const { token, expiresAt } = typeof given === 'string' ? { token: given, expiresAt: undefined } : given;
  const { exp, sub } = claimsOf(token);
  return {
    token,
    expiresAt: expiresAt !== undefined ? Number(expiresAt) : typeof exp === 'number' ? exp * 1000 : undefined,
    subject: typeof sub === 'string' ? sub : undefined,
  };
}

function claimsOf(token: string): { exp?: unknown; sub?: unknown } {
  try {
    const text = atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/'));
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
