import { offerAt } from '../../src/media/freeswitch-offer';
import type { OfferedCodec } from '../../src/media/media-leg';
import { fakeSdp } from './fake-mrf';
import { legOnNetwork } from './leg-on-network';

const create = async (codecs: readonly OfferedCodec[]): Promise<string> => {
  const { factory } = await legOnNetwork();
  const leg = await factory.create({ callId: 'call-2', signallingAddress: '198.51.100.8', codecs });
  const offer = await leg.offer();
  leg.close();
  return offer;
};

test.each([
  [['pcma'] as const, '8 101'],
  [['pcma', 'pcmu'] as const, '8 0 101'],
  [['g722', 'pcmu', 'opus', 'pcmu'] as const, '0 101'],
])('our own RTP offers what it can of %j, in that order', async (codecs, formats) => {
  expect(/RTP\/AVP (.*)\r\n/.exec(await create(codecs))?.[1]).toBe(formats);
});

test('a leg that could offer nothing is not made', async () => {
  await expect(create(['g722', 'opus'])).rejects.toMatchObject({
    name: 'MediaUnavailable',
    message: 'without FreeSWITCH nobody can speak g722, opus',
  });
});

test('through FreeSWITCH everything is offered, at its address', () => {
  const offer = offerAt(fakeSdp('far'), ['opus', 'g722', 'pcma', 'g729']);
  expect(offer).toContain('c=IN IP4 198.51.100.9\r\n');
  expect(offer).toContain('m=audio 20000 RTP/AVP 96 9 8 18 101\r\n');
  expect(offer.match(/a=rtpmap:.*/g)).toEqual([
    ...['a=rtpmap:96 opus/48000/2', 'a=rtpmap:9 G722/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:18 G729/8000'],
    'a=rtpmap:101 telephone-event/8000',
  ]);
});
