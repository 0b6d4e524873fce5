/** An attacker among the members: whatever they write, no script of theirs runs on another's page. */
import { beforeEach, expect, test } from 'vitest';
import { useBrowser } from '../helpers/browser.js';
import { acknowledged, createGroup, sendMessage, useStack } from '../helpers/chat.js';
import type { WireRoom } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { Device, openDevice } from './device.js';

const scene = useStack('embedded');
const open = useBrowser();

const image = '<img src="x" onerror="alert(1)">';
const attacks = [
  '<script>alert(1)</script>after a script',
  `${image}after a picture`,
  '<svg onload="alert(1)"></svg>after a drawing',
  '<a href="javascript:alert(1)" onclick="alert(1)">a link</a>',
  '<a href=" java&#10;script:alert(1)">another link</a>',
  '<a href="https://example.com/&quot; onmouseover=&quot;alert(1)">a third link</a>',
  '<b style="background:url(javascript:alert(1))" onmouseover="alert(1)">bold</b>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>after a frame',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>after mathematics',
];

/** A picture that says hostile things; its address is checked by the server. */
const extra_fields = {
  media: [
    {
      media_url: 'https://media.invalid/hostile.png',
      media_type: 'image',
      mime_type: 'image/png',
      file_size: 1,
      caption: image,
    },
  ],
};

let attacker: Chatter;
let victim: Chatter;
let room: WireRoom;

beforeEach(async () => {
  attacker = await scene.stack.connect(await scene.stack.newUser({ first_name: image, last_name: image }));
  victim = (await scene.strangers(1))[0]!;
  room = await createGroup(attacker, [victim], { name: `${image} club`, description: image });
});

/** Touches everything that could run something. */
async function look(device: Device): Promise<void> {
  for (const message of await device.log.getByRole('article').all()) await message.hover();
  await device.press('Room details');
  await device.details.getByRole('list', { name: 'Members' }).waitFor();
  await device.act('Reply', 'the last one');
  await device.press('Cancel the reply');
  await device.act('Forward', 'the last one');
  await device.page.getByRole('dialog', { name: 'Forward to' }).getByRole('button', { name: 'Close' }).click();
  // An image with a handler, a script, a frame, or any attribute that runs something.
  const page = device.page;
  const found = await page.evaluate<string[]>(`[...document.body.querySelectorAll('*')]
    .filter((one) => ['script', 'iframe', 'object', 'embed', 'style'].includes(one.localName) ||
      [...one.attributes].some(({ name, value }) => name.startsWith('on') || /^\\s*javascript:/i.test(value)))
    .map((one) => one.outerHTML)`);
  expect(found).toEqual([]);
}

test('in messages, names, descriptions, media and reactions, hostile markup is text or nothing', async () => {
  // Some are refused, because nothing of them is left; whatever is not comes cleaned.
  for (const content of attacks) await attacker.request('message.send', { room_id: room.id, content });
  const last = await sendMessage(attacker, room, 'the last one', [], { extra_fields });
  await acknowledged(attacker, 'message.react', { type: 'add', message_id: last.id, reaction_content: image });

  const device = await openDevice(open, scene.stack.gateways[0]!, victim);
  await device.page.route('https://media.invalid/**', (route) => route.fulfill({ status: 404 }));
  await device.open(`${image} club`);
  await device.message('the last one').getByRole('button', { name: image }).waitFor();
  await device.message('after a script').waitFor();
  await device.message('bold').waitFor();
  await look(device);
  const links = await device.log.getByRole('link').all();
  for (const link of links) expect(await link.getAttribute('href')).toMatch(/^https:/);
});

test('on the page alone, without a server that sanitises and without a policy, nothing runs either', async () => {
  for (let index = 0; index < attacks.length; index++) await sendMessage(attacker, room, `HOSTILE-${index}-`);
  await sendMessage(attacker, room, 'the last one', [], { extra_fields });
  const device = new Device(await open('about:blank', { bypassCSP: true }));
  const { page } = device;
  await page.routeWebSocket(/messaging/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) =>
      socket.send(
        String(frame)
          .replaceAll(/HOSTILE-(\d)-/g, (_, index) => JSON.stringify(attacks[Number(index)]).slice(1, -1))
          .replaceAll('https://media.invalid/hostile.png', 'javascript:alert(1)'),
      ),
    );
  });
  await page.goto(`${scene.stack.gateways[0]}/`);
  await device.signIn(victim.user.username);
  await device.open(`${image} club`);
  await device.message('the last one').waitFor();
  await device.message('after mathematics').waitFor();
  await look(device);
  expect(await device.message('a link').getByRole('link').count()).toBe(0);
});
