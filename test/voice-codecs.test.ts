import * as opus from '../src/audio/opus';
import { loadSettings } from '../src/config/settings';
import { StartRefused } from '../src/start-refused';
import { codecRefusals, voiceCodecs } from '../src/voice-codecs';
import { fakeOpus } from './audio/fake-opus';
import { planOf } from './dialplan/plan-of';

function whereOpusIs<T>({ built }: { built: boolean }, act: () => T): T {
  const load = jest.spyOn(opus, 'loadOpus').mockReturnValue(built ? fakeOpus : 'Cannot find module');
  try {
    return act();
  } finally {
    load.mockRestore();
  }
}

function codecsOf(env: Record<string, string>, where: { built: boolean }) {
  return whereOpusIs(where, () => voiceCodecs(loadSettings(env)));
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

describe('a plan with a trunk', () => {
  async function refusals(codecs: string, { built = false, env = {} } = {}): Promise<string[]> {
    const trunk = `trunks: { carrier: { host: sip.example.com${codecs === '' ? '' : `, codecs: [${codecs}]`} } }`;
    const plan = await planOf({ 'plan.yaml': `${trunk}\nroutes: [{ name: all, when: any, reject: 404 }]\n` });
    return whereOpusIs({ built }, () => codecRefusals(plan, loadSettings(env)));
  }

  test('that offers nothing but Opus is refused where there is none', async () => {
    expect(await refusals('opus')).toEqual([
      'trunk "carrier" offers only opus; without FreeSWITCH our RTP speaks PCMU, PCMA; no Opus: ' +
        '`npm run opus` builds it, see docs/opus.md',
    ]);
    expect(await refusals('opus', { built: true })).toEqual([]);
    expect(await refusals('opus, pcma')).toEqual([]);
  });

  test('that takes a FreeSWITCH is refused without', async () => {
    expect(await refusals('g729, g722', { built: true })).toEqual([
      'trunk "carrier" offers only g729, g722; without FreeSWITCH our RTP speaks Opus, PCMU, PCMA',
    ]);
    const env = { RINGBRIDGE_FREESWITCH: '127.0.0.1:8021', RINGBRIDGE_FREESWITCH_SECRET: 's3cret' };
    expect(await refusals('g729, g722', { env })).toEqual([]);
  });

  test('that offers what the settings leave out is refused', async () => {
    expect(await refusals('pcmu', { env: { RINGBRIDGE_CODECS: 'pcma' } })).toHaveLength(1);
    expect(await refusals('', { env: { RINGBRIDGE_CODECS: 'pcma' } })).toEqual([]);
  });
});
