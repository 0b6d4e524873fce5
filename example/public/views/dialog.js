import { button, el } from './element.js';

/** A modal dialog that removes itself when closed. Returns it; the browser keeps the focus inside and Escape closes. */
export function openDialog(title, ...content) {
  const dialog = el(
    'dialog',
    { 'aria-label': title, onclose: () => dialog.remove() },
    el(
      'header',
      { class: 'bar' },
      el('h2', {}, title),
      button('×', () => dialog.close(), { class: 'icon', 'aria-label': 'Close' }),
    ),
    ...content,
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before something that cannot be undone. Resolves with true or false. */
export function confirmDialog(title, sentence, action) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(
      title,
      el('p', {}, sentence),
      el(
        'div',
        { class: 'row end' },
        button('Cancel', () => dialog.close()),
        button(
          action,
          () => {
            answer = true;
            dialog.close();
          },
          { class: 'danger' },
        ),
      ),
    );
    dialog.addEventListener('close', () => resolve(answer));
  });
}
