/** Runs in the judge's page: puts each fragment where messages are put, looks at every element, and acts as a user would. */
const TAGS = 'B I STRONG EM A SPAN P UL OL LI BR'.split(' ');
const OF_ALL = ['class', 'id'];
const OF_LINKS = ['href', 'title', 'target', 'rel'];
const EVENTS = 'click mouseover focus animationstart transitionend error load toggle begin scroll'.split(' ');

function inspectElement(element, fault) {
  if (element.namespaceURI !== 'http://www.w3.org/1999/xhtml') fault(`an element of ${element.namespaceURI}`);
  if (!TAGS.includes(element.tagName)) fault(`an element ${element.tagName}`);
  const isLink = element.tagName === 'A';
  for (const { name, value } of element.attributes) {
    if (!OF_ALL.includes(name) && !(isLink && OF_LINKS.includes(name))) fault(`an attribute ${name}`);
    if (name === 'href' && !['http:', 'https:', 'mailto:'].includes(element.protocol)) fault(`the address ${value}`);
    if (name === 'href' && !/^(https?:\/\/|mailto:)/i.test(value)) fault(`the relative address ${value}`);
    if (name === 'target' && element.rel !== 'noopener noreferrer') fault('a target without rel');
  }
}

function inspect(root, fault) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) inspectElement(node, fault);
    else if (node.nodeType !== Node.TEXT_NODE) fault(`a node ${node.nodeName}`);
  }
}

function actAsUser(box) {
  for (const element of box.querySelectorAll('*')) {
    // Links are looked at; following them is what they are for.
    element.addEventListener('click', (event) => event.preventDefault());
    for (const type of EVENTS) element.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
  }
}

function lookAt(fragment, faults) {
  const fault = (where) => (what) => faults.push(`${where} ${what}, of ${JSON.stringify(fragment)}`);
  for (const around of ['div', 'p', 'li', 'td', 'b', 'a']) {
    const box = document.createElement(around);
    document.body.replaceChildren(box);
    box.innerHTML = fragment;
    inspect(box, fault(`in ${around}`));
    // What a page reads out and puts in again must be no more than it was.
    const readOut = box.innerHTML;
    box.innerHTML = readOut;
    inspect(box, fault(`again in ${around}`));
    actAsUser(box);
  }
  inspect(new DOMParser().parseFromString(fragment, 'text/html').body, fault('in a page'));
}

globalThis.look = async ({ fragments, probe }) => {
  const faults = [];
  for (const fragment of fragments) lookAt(fragment, faults);
  // Documents of their own, where scripts would run while they are read.
  const frames = fragments.map((fragment) => {
    const frame = document.createElement('iframe');
    frame.srcdoc = `<!doctype html><body>${fragment}`;
    return frame;
  });
  const loaded = frames.map(
    (frame) => new Promise((resolve) => frame.addEventListener('load', resolve, { once: true })),
  );
  document.body.replaceChildren(...frames);
  await Promise.all(loaded);
  for (const [index, { contentDocument }] of frames.entries()) {
    inspect(contentDocument.body, (what) => faults.push(`in a frame ${what}, of ${JSON.stringify(fragments[index])}`));
  }
  // What the fragments asked for was asked for before this.
  await new Promise((resolve) => {
    const image = new Image();
    image.onerror = resolve;
    image.src = probe;
  });
  return faults;
};
