/** Bytes that a secret should have, as many as the shortest hash it keys. */
const enough = 32;

/** Where `jwtAuthentication` says what is wrong with its secret. A registered symbol: a host may have this package twice. */
export const weakSecret = Symbol.for('express-realtime-chat.weakSecret');

/** What stands in examples and templates, and what whoever guesses tries first; digits behind it do not help. */
const wellKnown = [
  /^(jwt|my|our|app|chat|super|top)?[-_ ]?(secret|password|pass|passwd|pw|key)?[\d!.]*$/i,
  /^(change|replace)[-_ ]?(me|it|this)/i,
  /^your[-_ ]/i,
  /^(admin|root|test|testing|dev|development|default|example|demo|mysql|mariadb|redis|guest|user)[\d!.]*$/i,
  /^(keyboard cat|letmein|qwerty|abc123|shhhhh*)$/i,
  /^(.)\1*$/,
];

/** Whether anybody would try this password or secret first. */
export function isWellKnown(secret: string): boolean {
  return wellKnown.some((pattern) => pattern.test(secret.trim()));
}

/** Why a token's secret is too easy to guess, as the end of a sentence; undefined when it is not. */
export function weaknessOf(
  secret: Uint8Array,
): { readonly level: 'warning' | 'error'; readonly why: string } | undefined {
  if (isWellKnown(Buffer.from(secret).toString('utf8'))) {
    return { level: 'error', why: 'is one that anybody would try first, so that anybody can sign in as anybody' };
  }
  if (secret.length < enough) {
    return { level: 'warning', why: `has ${secret.length} bytes, and can be guessed from a token with patience` };
  }
  return undefined;
}
