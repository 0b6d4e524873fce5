/** Bar charts as SVG, readable on light and dark pages. */
import { format } from '../report.js';

/** A chart: groups of bars, one bar for each server. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly { readonly name: string; readonly values: Readonly<Record<string, number>> }[];
}

/** What servers are called, and their colours. */
export const servers: Readonly<Record<string, { readonly name: string; readonly colour: string }>> = {
  ours: { name: 'this package', colour: '#2f6fde' },
  peer: { name: 'Socket.IO', colour: '#d9822b' },
  'queued-peer': { name: 'Socket.IO, BullMQ', colour: '#b8860b' },
  bare: { name: 'bare ws', colour: '#7a8794' },
  'pre-framed': { name: 'ws, framed once', colour: '#a9b4bf' },
  ejabberd: { name: 'ejabberd', colour: '#5a9e4b' },
};

const width = 760;
const left = 250;
const barHeight = 16;
const gap = 14;

/** The chart's SVG. Text takes a grey that both backgrounds bear. */
export function drawChart({ title, unit, groups }: Chart): string {
  const largest = Math.max(...groups.flatMap(({ values }) => Object.values(values)));
  const scale = (width - left - 110) / largest;
  const parts: string[] = [];
  let y = 52;
  for (const { name, values } of groups) {
    parts.push(text(left - 10, y + barHeight - 4, name, 'end'));
    for (const [label, value] of Object.entries(values)) {
      const server = servers[label];
      const length = Math.max(1, value * scale).toFixed(1);
      parts.push(
        `<rect x="${left}" y="${y}" width="${length}" height="${barHeight - 2}" fill="${server?.colour ?? '#2f6fde'}"/>`,
        text(left + Number(length) + 6, y + barHeight - 5, `${format(value)}${server ? '' : `  (${label})`}`, 'start'),
      );
      y += barHeight;
    }
    y += gap;
  }
  const labels = [...new Set(groups.flatMap(({ values }) => Object.keys(values)))].filter((label) => servers[label]);
  const legend = labels.map((label, index) => {
    const x = left + index * 130;
    const { name, colour } = servers[label]!;
    return `<rect x="${x}" y="30" width="10" height="10" fill="${colour}"/>${text(x + 15, 39, name, 'start')}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    '<style>text{font:12px system-ui,sans-serif;fill:#767f89}</style>',
    `<text x="10" y="18" style="font-size:14px;font-weight:600">${escapeXml(`${title} (${unit})`)}</text>`,
    ...legend,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
