import { createElement, Fragment, type ReactNode, useMemo } from 'react';
import { parseFragment } from './fragment.ts';

/** Tags that are shown as such; of any other only what stands inside is. No attribute is taken over but a link's address. */
const tags = new Set(['b', 'strong', 'i', 'em', 'span', 'p', 'ul', 'ol', 'li', 'br']);
/** A web address in running text, without the full stop or bracket behind it. */
const address = /\bhttps?:\/\/[^\s<>"]*[^\s<>"'.,;:!?()[\]{}]/g;
const onlyEmoji = /^\p{RGI_Emoji}{1,3}$/v;

/** The content of a message. */
export function Content({ html }: { html: string }) {
  const { nodes, isEmoji } = useMemo(() => {
    const body = parseFragment(html);
    return { nodes: childrenOf(body, false), isEmoji: onlyEmoji.test(body.textContent?.trim() ?? '') };
  }, [html]);
  return (
    <div className={isEmoji ? 'content emoji' : 'content'} dir="auto">
      {nodes}
    </div>
  );
}

function childrenOf(parent: Node, isInLink: boolean): ReactNode[] {
  return Array.from(parent.childNodes, (node, index) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent ?? '';
      return <Fragment key={index}>{isInLink ? text : withLinks(text)}</Fragment>;
    }
    if (!(node instanceof Element)) return null;
    const tag = node.localName;
    if (tag === 'br') return <br key={index} />;
    const href = tag === 'a' ? safeHref(node.getAttribute('href')) : undefined;
    const children = childrenOf(node, isInLink || href !== undefined);
    if (href !== undefined)
      return (
        <SafeLink key={index} href={href}>
          {children}
        </SafeLink>
      );
    if (tags.has(tag)) return createElement(tag, { key: index }, ...children);
    return <Fragment key={index}>{children}</Fragment>;
  });
}

function withLinks(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(address)) {
    const href = safeHref(match[0]);
    if (href === undefined) continue;
    parts.push(
      text.slice(end, match.index),
      <SafeLink key={match.index} href={href}>
        {match[0]}
      </SafeLink>,
    );
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

/** Web addresses only: whatever else a link may name is not for a message to open. */
export function safeHref(href: string | null): string | undefined {
  if (href === null || !URL.canParse(href)) return undefined;
  const { protocol } = new URL(href);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}
