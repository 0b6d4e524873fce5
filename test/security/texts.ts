/** Texts that break what is built by gluing strings together. All are well-formed Unicode. */
export const HOSTILE_TEXTS: Readonly<Record<string, string>> = {
  'a quote': "O'Brien",
  'a quote that ends a statement': "x'); DELETE FROM chat_messages; -- ",
  'double quotes': 'say "hi" and ""',
  'a backslash at the end': 'x\\',
  'a backslash before a quote': "\\'; SELECT 1; -- ",
  'a comment of SQL': '/*!50000 x */ # -- x',
  'placeholders of SQL': '$1 $2 :ids :no ? ?? $name :replacement @@version',
  'wildcards of SQL': '100%_\\%\\_',
  'a backtick': '`users`',
  'an operator of Sequelize': '{"$gt": ""}',
  'a path of JSON': '$.a."b"[0]',
  'a template': '{{7*7}} #{7*7} %{7*7} <%= 7*7 %>',
  'what is escaped': ' a < b && c > "d" &copy=1 ',
  'a name of Object': '__proto__',
  'another name of Object': 'constructor.prototype',
  'a name of Redis': 'group-*:{chat}:1\r\nFLUSHALL\r\n.',
  'separators of job ids': 'a~b:c%7E%3A~',
  'line breaks': 'one\ntwo\r\nthree\u2028four\u2029five',
  'a NUL': 'a\u0000b',
  'control characters': '\u0001a\u0007\u0008\u001b[31mred\u007f.',
  'right to left': 'שלום עליכם مرحبا',
  'a turn of direction': 'a\u202egnp.exe\u202c b\u2066c\u2069',
  'a family of joined emoji': '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇦🇹',
  'four byte characters': '𝒳 漢 𠜎 🀄',
  'combining marks': 'Z\u0351\u036b\u0343\u036a\u0302 e\u0301 é',
  'no characters': 'x\ufffe\uffff\u{10ffff}\ufdd0x',
  'private use': '\ue000\u{f0000}',
  'a mark of byte order': 'a\ufeffb',
  'no width': 'a\u200b\u200c\u200d\u2060b',
  'a replacement character': 'a\ufffdb',
  'numbers of other scripts': '١٢٣ １２３ ⅷ',
  'letters that grow in capitals': 'ß ŉ ǰ ﬃ İ ı',
};

/** As escapes in JSON, because they cannot be written otherwise: halves of a character. */
export const ILL_FORMED = ['\\ud800', '\\udfff', 'a\\udc4db', '\\udc4d\\ud83d', '👍\\ud83d', '\\uD83D\\u0041'];

/** The text of a fragment without tags. */
export function unescaped(html: string): string {
  return html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
