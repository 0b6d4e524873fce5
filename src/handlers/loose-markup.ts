/**
 * Escapes each `<` and `&` that begins no tag, comment or entity, so that the sanitiser, which reads as browsers do, takes
 * them for the text they are: `a <b c` would lose all after `a`, and `x&copy=1` would show a copyright sign. What looks
 * like a proper tag is left to the sanitiser. Whatever is decided here, the sanitiser has the last word: escaping can
 * only make text of markup.
 */
export function escapeLooseMarkup(text: string): string {
  let escaped = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character !== '<' && character !== '&') continue;
    const end = character === '&' ? endOf(entity, text, at) : endOfMarkup(text, at);
    if (end !== undefined) {
      at = end - 1;
      continue;
    }
    escaped += `${text.slice(copied, at)}${character === '&' ? '&amp;' : '&lt;'}`;
    copied = at + 1;
  }
  return escaped + text.slice(copied);
}

// None of these can match the same text in two ways, so none gets slow on a text made for that.
const entity = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});/y;
/** Not `<https://...>` or `<me@example.com>`, but `<o:p>`. */
const tagStart = /<\/?[a-zA-Z][\w-]*(?::[a-zA-Z][\w-]*)?(?=[\s/>])/y;
const separator = /[\s/]*/y;
const attributeName = /[^\s"'<>/=&,;]+/y;
const equals = /\s*=\s*/y;
const attributeValue = /"[^"]*"|'[^']*'|[^\s"'<>=`][^\s<>]*/y;

/** The position after the pattern's match at `at`; undefined when it does not match there. */
function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The position after the tag, comment or declaration that begins at `at`; undefined when it is none, or has no end. */
function endOfMarkup(text: string, at: number): number | undefined {
  if (text.startsWith('<!--', at)) return after(text, '-->', at + 4);
  if (/^<[!?][a-zA-Z[]/.test(text.slice(at, at + 3))) return after(text, '>', at);
  let position = endOf(tagStart, text, at);
  while (position !== undefined) {
    position = endOf(separator, text, position)!;
    if (text[position] === '>') return position + 1;
    position = endOf(attributeName, text, position);
    const value = position === undefined ? undefined : endOf(equals, text, position);
    if (value !== undefined) position = endOf(attributeValue, text, value);
  }
  return undefined;
}

function after(text: string, end: string, from: number): number | undefined {
  const found = text.indexOf(end, from);
  return found < 0 ? undefined : found + end.length;
}
