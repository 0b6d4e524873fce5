/** Whether the text has no lone surrogate, half of a character: such a text cannot be stored or sent as UTF-8. */
export function isWellFormed(text: string): boolean {
  // Node 20 has it; the library types of ES2023 do not.
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** Length in code points: an emoji of two UTF-16 units counts once. */
export function codePointLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** The beginning of a text, at most so many UTF-16 units, without cutting a character in half. */
export function beginningOf(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}
