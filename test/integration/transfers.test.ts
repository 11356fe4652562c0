import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan, type JournalLine } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { HearingTable, type Voice } from '../support/hearing';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import {
  isCancelled,
  letItRing,
  personAnswers,
  personHangsUp,
  personTalks,
  refusesWith,
  ringing,
} from '../support/person-steps';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { freeUdpPort, startSipp, wentWell, type SippRun } from '../support/sipp';
import type { Step } from '../support/sipp-scenario';
import {
  answer,
  bye,
  call,
  inDialog,
  phoneSdp,
  receiveBye,
  receiveRequest,
  waitForCue,
} from '../support/sipp-scenario';
import { dominantHz } from '../support/spectrum';

// What the caller and the person hear, moment by moment, stands in docs/transfer-timelines.md, and each test below makes
// its section of that page anew. RINGBRIDGE_WRITE_TIMELINES=1 writes the page instead of comparing it.

jest.setTimeout(120_000);

const keep = closedAfterEach();

// Tones that are none of the music's.
const agent = { name: 'the agent', hz: 610 };
const agentAgain = { name: 'the agent again', hz: 730 };
const caller = { name: 'the caller', hz: 1_004 };
const person = { name: 'the person', hz: 1_370 };
const announcement = { name: 'an announcement of theirs', hz: 1_150 };
const ringingTone = { name: 'a ringing tone', hz: 425 };
const music = { name: 'music' };
const voices: readonly Voice[] = [agent, agentAgain, caller, person, announcement, ringingTone];

const page = join(__dirname, '..', '..', 'docs', 'transfer-timelines.md');
const sections = readFileSync(page, 'utf8').split('\n## ');
const made: string[] = [];

/** An agent who says a second of its tone, transfers the caller, and has another tone when the caller is back. */
async function startOffice(destinations: Record<string, Record<string, unknown>>) {
  const scenario = keep(
    await ScenarioFile.write({
      turns: [
        {
          say: 'One moment.',
          audio: `tone:${agent.hz}:1s`,
          calls: [{ name: 'transfer_call', arguments: { destination: 'sales' } }],
        },
        { say: 'Nobody is there.', audio: `tone:${agentAgain.hz}:20s` },
      ],
    }),
  );
  const model = keep(await ModelUnderTap.start(scenario.behaviour));
  // The caller's tone never ends: it must not be taken for a turn.
  const turns = { turn_detection: { type: 'none' }, push_to_talk: { key: '#' } };
  const plan = { ...onePlan(undefined, { tools: ['transfer_call'], transfers: ['sales'], ...turns }), destinations };
  return { model, bridge: keep(await BridgeUnderTest.start(plan, model.env)) };
}

async function startPhone(voice: Voice): Promise<RtpPhone> {
  const phone = keep(await RtpPhone.open('pcmu'));
  phone.sayTone(voice.hz, -10);
  return phone;
}

interface Line {
  bridge: BridgeUnderTest;
  sipp: SippRun;
  phone: RtpPhone;
  /** Of the person, when they have one. */
  other: RtpPhone;
  table: HearingTable;
}

/** The caller at sipp, in the middle of a call whose every moment is noted. */
async function startCall(
  destinations: Record<string, Record<string, unknown>>,
  steps: readonly Step[],
  other: RtpPhone,
): Promise<Line> {
  const { model, bridge } = await startOffice(destinations);
  const phone = await startPhone(caller);
  const table = new HearingTable([
    { name: 'the caller', ear: phone, voices },
    { name: 'the person', ear: other, voices },
  ]);
  bridge.onLogLine = (line) => noteCall(table, line);
  model.onBridgeEvent = ({ item }) => noteResult(table, item);
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(phoneSdp({ port: phone.port })), ...steps] }));
  return { bridge, sipp, phone, other, table };
}

function noteCall(table: HearingTable, line: Record<string, unknown> & { msg: string }): void {
  if (line.msg === 'call moved on' && line.toState === 'active') table.moment('the call is up');
  if (line.msg === 'call ended') table.moment(`the call ends: ${String(line.reason)}`);
  if (line.msg !== 'transfer') return;
  const { destination, method, outcome, detail, endedAtMs } = line as Record<string, string | undefined>;
  const asked = method === 'refer' ? `the caller's side is asked to call ${destination}` : `${destination} is called`;
  const decided = `${destination}: ${outcome}${detail === undefined ? '' : ` (${detail})`}`;
  // The end of the talk is told by the end of the call.
  if (outcome === undefined) table.moment(asked);
  else if (outcome !== 'joined' || endedAtMs === undefined) table.moment(decided);
}

function noteResult(table: HearingTable, item: unknown): void {
  const { type, output } = (item ?? {}) as { type?: string; output?: string };
  if (type !== 'function_call_output' || output === undefined) return;
  table.moment(`the agent is told: ${(JSON.parse(output) as { reason: string }).reason}`);
}

/** Until this is what they hear since the last moment, and have heard for most of a second: the table will tell it. */
function hears({ table }: Line, listener: 'the caller' | 'the person', { name }: Voice | typeof music): Promise<void> {
  const now = (): boolean => {
    const last = table.lastHeard(listener);
    return last?.name === name && last.ms >= 600;
  };
  return eventually(now, `${name} at ${listener}`);
}

/** Compares the page with what was just heard, or writes it. */
async function tellsAsDocumented({ bridge, table }: Line, title: string): Promise<JournalLine | undefined> {
  const [record] = await bridge.endedCalls();
  const section = `${title}\n\n${table.render()}`;
  made.push(section);
  process.stdout.write(`${section}\n`);
  if (process.env.RINGBRIDGE_WRITE_TIMELINES === undefined) {
    expect(section.split('\n')).toEqual(
      sections
        .find((one) => one.startsWith(`${title}\n`))
        ?.trimEnd()
        .split('\n'),
    );
  }
  expect(bridge.errors()).toEqual([]);
  return record;
}

afterAll(() => {
  if (process.env.RINGBRIDGE_WRITE_TIMELINES === undefined || made.length === 0) return;
  writeFileSync(page, `${[sections[0]?.trimEnd(), ...made.map((section) => `## ${section}`)].join('\n\n')}\n`);
});

describeWith('baresip', 'sipp')('a transfer by bridging', () => {
  test('joins the caller with a person at baresip: each hears the other', async () => {
    const account = '<sip:human@127.0.0.1>;regint=0;answermode=auto';
    const human = keep(await Baresip.start({ codec: 'PCMU', toneHz: person.hz, account }));
    const destinations = { sales: { to: `sip:human@127.0.0.1:${human.sipPort}` } };
    const line = await startCall(destinations, [waitForCue, bye], await startPhone(person));
    const { bridge, sipp } = line;
    await human.eventOf('CALL_ESTABLISHED');
    await hears(line, 'the caller', person);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    await human.eventOf('CALL_CLOSED');
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ reason: { kind: 'caller-hung-up' }, transfers: [{ outcome: 'joined' }] });
    const { samples, rateHz } = await human.heard();
    // What it has last heard may have been cut short by the end.
    const heard = samples.subarray(Math.floor(samples.length / 4), Math.floor(samples.length / 2));
    expect(Math.abs(dominantHz(heard, rateHz) - caller.hz)).toBeLessThan(4);
    expect(bridge.errors()).toEqual([]);
  });
});

describeWith('sipp')('a transfer by bridging to a person at sipp', () => {
  /** The person who is called, with a telephone. */
  async function startPerson(steps: (sdp: string) => readonly Step[]) {
    const other = await startPhone(person);
    const sipp = keep(await startSipp({ target: '127.0.0.1:9', steps: steps(phoneSdp({ port: other.port })) }));
    return { other, sipp, to: `sip:person@127.0.0.1:${sipp.port}` };
  }

  test('who answers: the caller hangs up', async () => {
    const { other, sipp: human, to } = await startPerson((sdp) => [personTalks(sdp), receiveBye]);
    const line = await startCall({ sales: { to } }, [waitForCue, bye], other);
    await Promise.all([hears(line, 'the caller', person), hears(line, 'the person', caller)]);
    line.sipp.cue();
    expect([await line.sipp.finished, await human.finished]).toEqual([wentWell, wentWell]);
    const record = await tellsAsDocumented(line, 'The person answers');
    expect(record).toMatchObject({ transfers: [{ destination: 'sales', outcome: 'joined' }] });
  });

  test('who answers and hangs up', async () => {
    const { other, sipp: human, to } = await startPerson((sdp) => [personTalks(sdp), personHangsUp]);
    const line = await startCall({ sales: { to, waiting: 'ringing' } }, [receiveBye], other);
    expect([await line.sipp.finished, await human.finished]).toEqual([wentWell, wentWell]);
    const record = await tellsAsDocumented(line, 'The person answers, and hangs up; `waiting: ringing`');
    expect(record).toMatchObject({ reason: { kind: 'transfer-ended', destination: 'sales' } });
  });

  test('whose side says something before they answer', async () => {
    const {
      other,
      sipp: human,
      to,
    } = await startPerson((sdp) => [
      ringing,
      letItRing,
      personAnswers('183 Session Progress', sdp),
      '<pause milliseconds="2500"/>',
      personAnswers('486 Busy Here'),
      receiveRequest('ACK'),
    ]);
    other.sayTone(announcement.hz, -10);
    const line = await startCall({ sales: { to } }, [waitForCue, bye], other);
    await hears(line, 'the caller', agentAgain);
    line.sipp.cue();
    expect([await line.sipp.finished, await human.finished]).toEqual([wentWell, wentWell]);
    await tellsAsDocumented(line, "The person's side plays an announcement, and is busy");
  });

  test.each([
    ['The person is busy', refusesWith('486 Busy Here'), 'busy'],
    ['The person declines', refusesWith('603 Decline'), 'declined'],
    ['The person does not answer within `ring`', isCancelled, 'no-answer'],
    ["The person's side is out of service", refusesWith('503 Service Unavailable'), 'failed'],
  ])('%s: the caller is back with the agent, who is told why', async (title, steps, outcome) => {
    const { other, sipp: human, to } = await startPerson(() => [steps]);
    const line = await startCall({ sales: { to, ring: '5s' } }, [waitForCue, bye], other);
    await hears(line, 'the caller', agentAgain);
    line.sipp.cue();
    expect([await line.sipp.finished, (await human.finished).code]).toEqual([wentWell, 0]);
    const record = await tellsAsDocumented(line, title);
    expect(record).toMatchObject({ transfers: [{ destination: 'sales', outcome }] });
  });

  // A host that says nothing over UDP may be a telephone that nobody answers: only `ring` tells.
  test.each([
    ['Nothing is at that address, by TCP', ';transport=tcp', 'failed'],
    ['Nothing is at that address, by UDP', '', 'no-answer'],
  ])('%s: the caller is back with the agent, too', async (title, transport, outcome) => {
    const to = `sip:person@127.0.0.1:${await freeUdpPort()}${transport}`;
    const line = await startCall({ sales: { to, ring: '5s' } }, [waitForCue, bye], await startPhone(person));
    await hears(line, 'the caller', agentAgain);
    line.sipp.cue();
    expect(await line.sipp.finished).toEqual(wentWell);
    const record = await tellsAsDocumented(line, title);
    expect(record).toMatchObject({ transfers: [{ destination: 'sales', outcome }] });
  });

  test('is taken back when the caller hangs up while it rings', async () => {
    const { other, sipp: human, to } = await startPerson(() => [isCancelled]);
    const line = await startCall({ sales: { to } }, [waitForCue, bye], other);
    await hears(line, 'the caller', music);
    line.sipp.cue();
    expect([await line.sipp.finished, (await human.finished).code]).toEqual([wentWell, 0]);
    const record = await tellsAsDocumented(line, 'The caller hangs up while it rings');
    expect(record).toMatchObject({ reason: { kind: 'caller-hung-up' }, transfers: [{ outcome: 'cancelled' }] });
  });

  test('goes on to the next destination of the plan', async () => {
    const busy = await startPerson(() => [refusesWith('486 Busy Here')]);
    const { other, sipp: human, to } = await startPerson((sdp) => [personTalks(sdp), receiveBye]);
    const destinations = { sales: { to: busy.to, otherwise: { busy: 'desk' } }, desk: { to } };
    const line = await startCall(destinations, [waitForCue, bye], other);
    await Promise.all([hears(line, 'the caller', person), hears(line, 'the person', caller)]);
    line.sipp.cue();
    expect([await line.sipp.finished, await human.finished, await busy.sipp.finished]).toEqual([
      wentWell,
      wentWell,
      wentWell,
    ]);
    await tellsAsDocumented(line, 'The person is busy, and the plan has somebody else');
  });
});

describeWith('sipp')('a transfer by REFER of a caller at sipp', () => {
  const notify = (status: string, state: string): Step =>
    [
      inDialog('NOTIFY', {
        type: `message/sipfrag\r\nEvent: refer\r\nSubscription-State: ${state}`,
        body: `SIP/2.0 ${status}\r\n`,
      }),
      '<recv response="200"/>',
    ].join('\n');
  const accepted = [receiveRequest('REFER'), answer('202 Accepted')];
  const progress = [notify('100 Trying', 'active;expires=60'), notify('180 Ringing', 'active;expires=60')];
  const refer = { sales: { to: 'sip:person@127.0.0.1:9', method: 'refer' } };

  test('is followed by its NOTIFYs, and then the caller gets a BYE', async () => {
    const over = notify('200 OK', 'terminated;reason=noresource');
    const steps = [...accepted, ...progress, letItRing, over, receiveBye];
    const line = await startCall(refer, steps, await startPhone(person));
    expect(await line.sipp.finished).toEqual(wentWell);
    const record = await tellsAsDocumented(line, 'REFER: accepted, and the person answers');
    expect(record).toMatchObject({ reason: { kind: 'transferred' }, transfers: [{ outcome: 'referred' }] });
  });

  test("counts as carried out when the caller's side accepts it and hangs up", async () => {
    const line = await startCall(refer, [...accepted, waitForCue, bye], await startPhone(person));
    await hears(line, 'the caller', music);
    line.sipp.cue();
    expect(await line.sipp.finished).toEqual(wentWell);
    const record = await tellsAsDocumented(line, "REFER: accepted, and the caller's side hangs up");
    expect(record).toMatchObject({ reason: { kind: 'caller-hung-up' }, transfers: [{ outcome: 'referred' }] });
    expect(await line.bridge.metric('ringbridge_transfers_total{method="refer",outcome="referred"}')).toBe(1);
  });

  test.each([
    ['REFER: refused', [receiveRequest('REFER'), letItRing, answer('405 Method Not Allowed')], 'failed'],
    ['REFER: accepted, and nothing is told', accepted, 'failed'],
    [
      'REFER: accepted, and the person is busy',
      [...accepted, ...progress, letItRing, notify('486 Busy Here', 'terminated;reason=noresource')],
      'busy',
    ],
  ])('%s: the caller is back with the agent, who is told why', async (title, steps, outcome) => {
    const line = await startCall(refer, [...steps, waitForCue, bye], await startPhone(person));
    await hears(line, 'the caller', agentAgain);
    line.sipp.cue();
    expect(await line.sipp.finished).toEqual(wentWell);
    const record = await tellsAsDocumented(line, title);
    expect(record).toMatchObject({ transfers: [{ method: 'refer', outcome }] });
  });
});

test('every section of the page is made by a test', () => {
  const titles = (all: readonly string[]): string[] => all.map((section) => section.split('\n')[0] ?? '');
  if (made.length === 0 || process.env.RINGBRIDGE_WRITE_TIMELINES !== undefined) return;
  expect(titles(made)).toEqual(titles(sections.slice(1)));
});
