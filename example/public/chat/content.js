/** Message content is an HTML fragment, cleaned by the server. */

/** The fragment as nodes to show. Ids and classes are taken off: a message must not style or shadow the page. */
export function toNodes(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  for (const node of template.content.querySelectorAll('*')) {
    node.removeAttribute('id');
    node.removeAttribute('class');
    if (node.localName === 'a') {
      node.setAttribute('target', '_blank');
      node.setAttribute('rel', 'noopener noreferrer');
    }
  }
  return template.content;
}

/** The fragment's text, for previews. */
export function toText(html) {
  return toNodes(html).textContent.trim();
}

/** What a person typed, as a fragment that shows exactly that. */
export function fromText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The fragment for editing: as text if it is only text, else as its source. */
export function toDraft(html) {
  const isMarkup = toNodes(html).firstElementChild !== null;
  return { isMarkup, text: isMarkup ? html : toText(html) };
}
