import { readOpusParameters } from '../../src/media/opus-parameters';

const unlimited = { playbackHzMax: 48_000, bitrateMax: 510_000, canUseFec: false, constantBitrate: false };

test.each([
  [undefined, {}],
  ['', {}],
  [
    'maxplaybackrate=16000; sprop-maxcapturerate=16000;maxaveragebitrate=20000',
    { playbackHzMax: 16_000, bitrateMax: 20_000 },
  ],
  ['stereo=1;UseInbandFEC=1;cbr=1', { canUseFec: true, constantBitrate: true }],
  ['maxplaybackrate=1;maxaveragebitrate=1', { playbackHzMax: 8_000, bitrateMax: 6_000 }],
  ['maxplaybackrate=99999999999;maxaveragebitrate=-5;useinbandfec=yes;cbr', {}],
  ['=;;==1;maxplaybackrate=;\u0000', {}],
])('%j limits what we send to %j', (text, limits) => {
  expect(readOpusParameters(text)).toEqual({ ...unlimited, ...limits });
});
