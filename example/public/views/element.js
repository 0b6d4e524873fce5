/**
 * A DOM element. `onclick` and the like are listeners, other properties are attributes; false and null leave one out.
 * Children that are strings become text, never markup.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A button that does not send a form. */
export function button(label, onclick, props = {}) {
  return el('button', { type: 'button', onclick, ...props }, label);
}

/** A labelled form field. `control` is an input, select or textarea. */
export function field(label, control) {
  return el('label', { class: 'field' }, el('span', {}, label), control);
}
