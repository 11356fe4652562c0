import * as opus from '../src/audio/opus';
import { loadSettings } from '../src/config/settings';
import { StartRefused } from '../src/start-refused';
import { voiceCodecs } from '../src/voice-codecs';
import { fakeOpus } from './audio/fake-opus';

function codecsOf(env: Record<string, string>, { built }: { built: boolean }) {
  const load = jest.spyOn(opus, 'loadOpus').mockReturnValue(built ? fakeOpus : 'Cannot find module');
  try {
    return voiceCodecs(loadSettings(env));
  } finally {
    load.mockRestore();
  }
}

test('Opus is there where it is built', () => {
  expect(codecsOf({}, { built: true })).toEqual({
    codecs: ['opus', 'pcmu', 'pcma'],
    opus: fakeOpus,
    description: 'Opus, PCMU, PCMA',
  });
});

test('where it is not, that is told, with what to do', () => {
  expect(codecsOf({}, { built: false })).toEqual({
    codecs: ['pcmu', 'pcma'],
    opus: undefined,
    description: 'PCMU, PCMA; no Opus: `npm run opus` builds it, see docs/opus.md',
  });
});

test('whoever asks for it by name gets no start without', () => {
  const ask = () => codecsOf({ RINGBRIDGE_CODECS: 'opus,pcmu' }, { built: false });
  expect(ask).toThrow(StartRefused);
  expect(ask).toThrow(
    'RINGBRIDGE_CODECS: there is no Opus (Cannot find module); `npm run opus` builds it, see docs/opus.md',
  );
});

test('whoever leaves it out is told nothing of it', () => {
  const { codecs, opus: create, description } = codecsOf({ RINGBRIDGE_CODECS: 'pcma' }, { built: true });
  expect([codecs, create, description]).toEqual([['pcma'], undefined, 'PCMA']);
});

test('FreeSWITCH is spoken to in G.711', () => {
  const env = { RINGBRIDGE_FREESWITCH: '127.0.0.1:8021', RINGBRIDGE_FREESWITCH_SECRET: 's3cret' };
  expect(codecsOf(env, { built: true })).toMatchObject({ codecs: ['pcmu', 'pcma'], opus: undefined });
});
