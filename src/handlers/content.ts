import sanitizeHtml from 'sanitize-html';
import { ValidationError } from '../protocol/errors.js';
import { codePointLength, isWellFormed } from '../protocol/unicode.js';
import { escapeLooseMarkup } from './loose-markup.js';

/** How content is cleaned. */
export interface ContentOptions {
  /** Code points after trimming, before escaping. */
  readonly maxLength: number;
  /** Whether there may be no content: media is attached, or it is a forward. */
  readonly allowEmpty: boolean;
}

/** Deeper tags are dropped, their text is kept: browsers and parsers get slow on deep trees. */
const nestingLimit = 32;

const rules: sanitizeHtml.IOptions = {
  allowedTags: ['b', 'i', 'strong', 'em', 'a', 'span', 'p', 'ul', 'ol', 'li', 'br'],
  allowedAttributes: { a: ['href', 'title', 'target', 'rel'], '*': ['class', 'id'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesAppliedToAttributes: ['href'],
  allowProtocolRelative: false,
  nestingLimit,
  // What is inside these was never meant to be read.
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'xmp',
    'noscript',
    'iframe',
    'noembed',
    'noframes',
    'template',
  ],
  // Inline styles are not allowed; the parser for them would still run.
  parseStyleAttributes: false,
  transformTags: {
    // A page opened from here must not steer the page it came from. No other `rel` is let through.
    a: (tagName, { rel: _, ...attribs }) => {
      if (attribs.href !== undefined && !isAbsolute(attribs.href)) delete attribs.href;
      return { tagName, attribs: attribs.target ? { ...attribs, rel: 'noopener noreferrer' } : attribs };
    },
  },
};

/**
 * Whether it leads where it says, wherever it is shown. An address without a scheme would be the site's own, and browsers
 * take `/\e.example` and `https:e.example` for things that parsers do not.
 */
function isAbsolute(href: string): boolean {
  const address = href.trim();
  if (/^mailto:[^\s]/i.test(address)) return true;
  return /^https?:\/\/[^\s/\\]/i.test(address) && URL.canParse(address);
}

/**
 * Message content as it is stored and sent: an HTML fragment of the allowed tags. Text that only looks like markup comes
 * out escaped (`a < b && c` is `a &lt; b &amp;&amp; c`); entities that are there stay as they are, so content that was
 * cleaned once comes out of a second cleaning (an edit) unchanged.
 *
 * @throws ValidationError (4003), detail `{ content: [sentence] }`: no text, ill-formed Unicode, too long, or empty, be
 * it from the start or after cleaning.
 */
export function cleanContent(text: string, { maxLength, allowEmpty }: ContentOptions): string {
  if (typeof text !== 'string') throw refuse('Must be a text.');
  if (!isWellFormed(text)) throw refuse('Ill-formed Unicode.');
  const trimmed = text.trim();
  if (trimmed === '') {
    if (allowEmpty) return '';
    throw refuse('This field may not be empty.');
  }
  if (trimmed.length > maxLength && codePointLength(trimmed) > maxLength) {
    throw refuse(`Must have at most ${maxLength} characters.`);
  }
  // Nothing in it could be markup, as in most messages: it would come out as it is.
  if (!/[<>&]/.test(trimmed)) return trimmed;
  const clean = sanitize(escapeLooseMarkup(trimmed));
  // Tags without a word in them are empty too. In clean content every `<` begins a tag and every `>` ends one.
  if (clean.replace(/<[^>]*>/g, '').trim() === '') throw refuse('Nothing is left of the content.');
  return clean;
}

/**
 * Dropping a tag can bring two others together that may not be nested (a list in a paragraph): the next cleaning would
 * move them. So it is done again until nothing moves, which for content without tags is the first time.
 */
function sanitize(html: string, rounds = 4): string {
  const clean = sanitizeHtml(html, rules).trim();
  return clean === html || rounds === 0 || !clean.includes('<') ? clean : sanitize(clean, rounds - 1);
}

function refuse(sentence: string): ValidationError {
  return new ValidationError({ content: [sentence] });
}
