const [quote, backslash, comma, colon] = [34, 92, 44, 58];
const [openList, closeList, openObject, closeObject] = [91, 93, 123, 125];

/**
 * One pass over a frame's text without parsing it: how deep it goes, and the text under its top level key `id`. Works on
 * broken JSON too, as far as brackets and quotes tell, so that a refused frame can be answered with its `id`.
 */
export function scanFrame(text: string): { depth: number; id: string | undefined } {
  let depth = 0;
  let deepest = 0;
  /** At the top level: the key whose value comes next; undefined while a key is expected. */
  let key: string | undefined;
  let word: string | undefined;
  let id: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (depth === 1) {
        word = end - at < 1000 ? unquote(text.slice(at, end + 1)) : undefined;
        if (key === 'id') id = word;
      }
      at = end;
    } else if (code === openObject || code === openList) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === closeObject || code === closeList) depth--;
    else if (depth !== 1) continue;
    else if (code === colon) key = word;
    else if (code === comma) key = undefined;
  }
  return { depth: deepest, id };
}

/** Where the string that begins at `start` has its closing quote; the text's length when it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash) at++;
    else if (code === quote) return at;
  }
  return text.length;
}

function unquote(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}
