import type { ClientEvent } from '../../src/realtime/client-events';
import { ResponseSequencer } from '../../src/realtime/response-sequencer';
import { VirtualClock } from '../../src/runtime/virtual-clock';

function startedSequencer() {
  const clock = new VirtualClock();
  const sent: ClientEvent[] = [];
  const told: string[] = [];
  let eventCount = 0;
  const sequencer = new ResponseSequencer({
    clock,
    actions: {
      nextEventId: () => `e${(eventCount += 1)}`,
      send: (event) => sent.push(event),
      onStarted: (responseId) => told.push(`started ${responseId}`),
      onAnswerToResultsAsked: () => told.push('answer to results'),
      onAbandoned: ({ responseId, reason }) => told.push(`${responseId} ${reason}`),
      onFailed: ({ code }) => told.push(`failed ${code}`),
      onIdle: () => undefined,
    },
  });
  sequencer.start();
  return {
    clock,
    sequencer,
    told,
    ask: (name = 'x') => sequencer.request({ instructions: name, metadata: {}, origin: 'asked' }),
    remark: () => sequencer.request({ instructions: 'remark', metadata: {}, origin: 'passing' }),
    askAboutResults: () => sequencer.request({ instructions: undefined, metadata: {}, origin: 'tool-results' }),
    created: (responseId: string, requestId?: string) => sequencer.created({ responseId, requestId, outOfBand: false }),
    done(responseId: string, requestId?: string) {
      const isNews = sequencer.done({ responseId, requestId, outOfBand: false });
      sequencer.sendNext();
      return isNews;
    },
    conflict: (eventId: string | undefined) =>
      sequencer.refused({ type: undefined, code: 'conversation_already_has_active_response', message: '', eventId }),
    /** What went out: `create NAME` or `cancel ID`. */
    wire: () =>
      sent.map((event) => {
        if (event.type === 'response.create')
          return `create ${event.response.instructions ?? 'results'} ${event.event_id}`;
        return event.type === 'response.cancel' ? `cancel ${event.response_id}` : event.type;
      }),
  };
}

describe('one response at a time', () => {
  test('the second create waits for the end of the first response', () => {
    const { ask, created, done, wire } = startedSequencer();
    ask('one');
    ask('two');
    expect(wire()).toEqual(['create one e1']);
    created('resp_1', 'e1');
    expect(wire()).toHaveLength(1);
    done('resp_1', 'e1');
    expect(wire()).toEqual(['create one e1', 'create two e2']);
  });

  test("a create waits for the end of turn detection's own response", () => {
    const { ask, created, done, wire } = startedSequencer();
    created('resp_vad');
    ask('one');
    expect(wire()).toEqual([]);
    done('resp_vad');
    expect(wire()).toEqual(['create one e1']);
  });

  test('nothing goes out before the session is configured', () => {
    const sent: ClientEvent[] = [];
    const sequencer = new ResponseSequencer({
      clock: new VirtualClock(),
      actions: {
        nextEventId: () => 'e1',
        send: (event) => sent.push(event),
        onStarted: () => undefined,
        onAnswerToResultsAsked: () => undefined,
        onAbandoned: () => undefined,
        onFailed: () => undefined,
        onIdle: () => undefined,
      },
    });
    sequencer.request({ instructions: 'early', metadata: {}, origin: 'asked' });
    expect(sent).toEqual([]);
    sequencer.start();
    expect(sent).toHaveLength(1);
  });

  test('an out-of-band response neither blocks nor frees the conversation', () => {
    const { sequencer, ask, created, wire, told } = startedSequencer();
    sequencer.created({ responseId: 'resp_oob', requestId: undefined, outOfBand: true });
    ask('one');
    created('resp_1', 'e1');
    ask('two');
    expect(sequencer.done({ responseId: 'resp_oob', requestId: undefined, outOfBand: true })).toBe(false);
    sequencer.sendNext();
    expect(wire()).toEqual(['create one e1']);
    expect(told).toEqual(['started resp_1']);
    expect(sequencer.follow('resp_oob')).toBe('out-of-band');
  });

  test('answers to tool results that wait are asked for once', () => {
    const { askAboutResults, created, done, wire } = startedSequencer();
    created('resp_vad');
    askAboutResults();
    askAboutResults();
    done('resp_vad');
    expect(wire()).toEqual(['create results e1']);
    created('resp_1', 'e1');
    done('resp_1', 'e1');
    expect(wire()).toHaveLength(1);
  });

  test('requests beyond the limit fail by name', () => {
    const { ask, created, told } = startedSequencer();
    created('resp_vad');
    for (let count = 0; count < 17; count += 1) ask();
    expect(told).toEqual(['started resp_vad', 'failed response_queue_full']);
  });
});

describe('cancelling', () => {
  test('the active response is cancelled by its id, once', () => {
    const { sequencer, created, wire } = startedSequencer();
    created('resp_1');
    sequencer.cancel();
    sequencer.cancel();
    expect(wire()).toEqual(['cancel resp_1']);
    expect(sequencer.follow('resp_1')).toBe('cancelled');
  });

  test('with nothing active or asked for nothing is sent', () => {
    const { sequencer, wire } = startedSequencer();
    sequencer.cancel();
    expect(wire()).toEqual([]);
  });

  test('a cancel between create and created takes effect when the response gets its id', () => {
    const { sequencer, ask, created, wire } = startedSequencer();
    ask('one');
    sequencer.cancel();
    expect(wire()).toEqual(['create one e1']);
    created('resp_1', 'e1');
    expect(wire()).toEqual(['create one e1', 'cancel resp_1']);
    expect(sequencer.follow('resp_1')).toBe('cancelled');
  });

  test("a cancel meant for our response spares turn detection's that came first", () => {
    const { sequencer, ask, created, conflict, wire } = startedSequencer();
    ask('one');
    sequencer.cancel();
    created('resp_vad');
    conflict('e1');
    expect(sequencer.follow('resp_vad')).toBe('active');
    expect(wire()).toEqual(['create one e1']);
  });

  test('requests that wait are withdrawn, but the answer to tool results stays', () => {
    const { sequencer, ask, askAboutResults, created, done, wire } = startedSequencer();
    created('resp_1');
    ask('one');
    askAboutResults();
    sequencer.cancel();
    done('resp_1');
    expect(wire()).toEqual(['cancel resp_1', 'create results e2']);
  });

  test('an interruption by the server sends no cancel', () => {
    const { sequencer, created, wire } = startedSequencer();
    created('resp_1');
    sequencer.callerSpeaks({ interrupts: true });
    expect(sequencer.follow('resp_1')).toBe('cancelled');
    expect(wire()).toEqual([]);
  });

  test('what was asked for is not said over a caller who speaks meanwhile', () => {
    const { sequencer, ask, created, wire } = startedSequencer();
    ask('one');
    ask('two');
    sequencer.callerSpeaks({ interrupts: true });
    created('resp_1', 'e1');
    expect(sequencer.follow('resp_1')).toBe('cancelled');
    expect(wire()).toEqual(['create one e1', 'cancel resp_1']);
  });

  test('what was asked for is said after all when the caller has stopped before it begins', () => {
    const { sequencer, ask, created } = startedSequencer();
    ask('one');
    sequencer.callerSpeaks({ interrupts: true });
    sequencer.callerStopped({ answered: true });
    created('resp_1', 'e1');
    expect(sequencer.follow('resp_1')).toBe('active');
  });

  test('a caller who may not interrupt is spoken over', () => {
    const { sequencer, ask, created } = startedSequencer();
    ask('one');
    sequencer.callerSpeaks({ interrupts: false });
    created('resp_1', 'e1');
    expect(sequencer.follow('resp_1')).toBe('active');
  });

  test('nothing is asked for while the caller speaks, and the answer to their turn comes first', () => {
    const { clock, sequencer, askAboutResults, created, done, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    sequencer.sendNext();
    expect(wire()).toEqual([]);
    sequencer.callerStopped({ answered: true });
    sequencer.sendNext();
    expect(wire()).toEqual([]);
    created('resp_1');
    done('resp_1');
    expect(wire()).toEqual(['create results e1']);
    clock.advance(2_000);
    expect(wire()).toHaveLength(1);
  });

  test('the next response that turn detection makes can be refused, and only that one', () => {
    const { sequencer, created, done, wire } = startedSequencer();
    sequencer.refuseNext();
    created('resp_1');
    done('resp_1');
    created('resp_2');
    expect(sequencer.follow('resp_2')).toBe('active');
    expect(wire()).toEqual(['cancel resp_1']);
  });

  test('a refusal does not outlive the turn of a caller who speaks', () => {
    const { sequencer, created } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    sequencer.refuseNext();
    sequencer.callerStopped({ answered: true });
    created('resp_1');
    expect(sequencer.follow('resp_1')).toBe('active');
  });

  test('a cancelled response without a response.done is given up after five seconds', () => {
    const { clock, sequencer, ask, created, told, wire } = startedSequencer();
    created('resp_1');
    sequencer.cancel();
    ask('two');
    clock.advance(4_999);
    expect(wire()).toEqual(['cancel resp_1']);
    clock.advance(1);
    expect(told).toEqual(['started resp_1', 'resp_1 no_response_done']);
    expect(wire()).toEqual(['cancel resp_1', 'create two e2']);
  });
});

describe('refusals and lost events', () => {
  test('a conflict is retried with a new id when the other response is over', () => {
    const { ask, created, done, conflict, wire } = startedSequencer();
    ask('one');
    created('resp_vad');
    expect(conflict('e1')).toBe(true);
    expect(wire()).toEqual(['create one e1']);
    done('resp_vad');
    expect(wire()).toEqual(['create one e1', 'create one e2']);
    created('resp_1', 'e2');
    done('resp_1', 'e2');
    expect(wire()).toHaveLength(2);
  });

  test('a create that met a conflict goes before those that were asked for later', () => {
    const { ask, created, done, conflict, wire } = startedSequencer();
    ask('one');
    ask('two');
    created('resp_vad');
    conflict('e1');
    done('resp_vad');
    expect(wire()).toEqual(['create one e1', 'create one e3']);
  });

  test('a conflict with a response that we never heard of is retried after a second', () => {
    const { clock, ask, conflict, wire } = startedSequencer();
    ask('one');
    conflict('e1');
    clock.advance(999);
    expect(wire()).toHaveLength(1);
    clock.advance(1);
    expect(wire()).toEqual(['create one e1', 'create one e2']);
  });

  test('... or as soon as some response is done', () => {
    const { ask, conflict, done, wire } = startedSequencer();
    ask('one');
    conflict('e1');
    done('resp_unknown');
    expect(wire()).toHaveLength(2);
  });

  test('a create is tried three times and then fails', () => {
    const { clock, ask, conflict, wire, told } = startedSequencer();
    ask('one');
    for (const eventId of ['e1', 'e2', 'e3']) {
      conflict(eventId);
      clock.advance(1_000);
    }
    expect(wire()).toHaveLength(3);
    expect(told).toEqual(['failed conversation_already_has_active_response']);
  });

  test('a create that was cancelled is not tried again', () => {
    const { clock, sequencer, ask, conflict, wire } = startedSequencer();
    ask('one');
    sequencer.cancel();
    conflict('e1');
    clock.advance(5_000);
    expect(wire()).toHaveLength(1);
  });

  test('a create that is refused for another reason fails and frees the way for the next', () => {
    const { sequencer, ask, wire, told } = startedSequencer();
    ask('one');
    ask('two');
    expect(sequencer.refused({ type: undefined, code: 'invalid_value', message: '', eventId: 'e1' })).toBe(true);
    expect(told).toEqual(['failed invalid_value']);
    expect(wire()).toEqual(['create one e1', 'create two e2']);
  });

  test('an error about another event is none of our business', () => {
    const { sequencer, ask } = startedSequencer();
    ask('one');
    expect(sequencer.refused({ type: undefined, code: 'invalid_value', message: '', eventId: 'e9' })).toBe(false);
    expect(sequencer.refused({ type: undefined, code: 'invalid_value', message: '', eventId: undefined })).toBe(false);
  });

  test('a create without any answer fails after ten seconds', () => {
    const { clock, ask, told, wire } = startedSequencer();
    ask('one');
    ask('two');
    clock.advance(10_000);
    expect(told).toEqual(['failed response_create_unanswered']);
    expect(wire()).toEqual(['create one e1', 'create two e2']);
  });

  test('a response.done without a response.created frees the way', () => {
    const { ask, done, wire } = startedSequencer();
    ask('one');
    ask('two');
    expect(done('resp_1', 'e1')).toBe(true);
    expect(wire()).toEqual(['create one e1', 'create two e2']);
  });

  test('a server that does not echo metadata blocks nothing', () => {
    const { ask, created, done, wire } = startedSequencer();
    ask('one');
    ask('two');
    created('resp_1');
    done('resp_1');
    expect(wire()).toEqual(['create one e1', 'create two e2']);
  });

  test('a response.done that comes twice counts once', () => {
    const { created, done } = startedSequencer();
    created('resp_1');
    expect([done('resp_1'), done('resp_1')]).toEqual([true, false]);
  });

  test('a response.created after its response.done does not begin it again', () => {
    const { ask, created, done, told, wire } = startedSequencer();
    done('resp_1');
    created('resp_1');
    ask('one');
    expect(told).toEqual([]);
    expect(wire()).toEqual(['create one e1']);
  });

  test('a new response ends one whose response.done was lost', () => {
    const { created, told } = startedSequencer();
    created('resp_1');
    created('resp_2');
    expect(told).toEqual(['started resp_1', 'resp_1 superseded', 'started resp_2']);
  });

  test('a response whose announcement was lost begins with its first event', () => {
    const { sequencer, told } = startedSequencer();
    expect(sequencer.follow('resp_1')).toBe('active');
    expect(told).toEqual(['started resp_1']);
  });

  test('events of a response that is not the active one are stale', () => {
    const { sequencer, created } = startedSequencer();
    created('resp_2');
    expect(sequencer.follow('resp_1')).toBe('stale');
    expect(sequencer.follow('resp_2')).toBe('active');
  });

  test('a late answer to a create that was given up still counts', () => {
    const { clock, sequencer, ask, created } = startedSequencer();
    ask('one');
    clock.advance(10_000);
    created('resp_1', 'e1');
    expect(sequencer.follow('resp_1')).toBe('active');
  });

  test('closing leaves no timer and sends no more', () => {
    const { clock, sequencer, ask, created, conflict, wire } = startedSequencer();
    ask('one');
    conflict('e1');
    created('resp_1');
    sequencer.cancel();
    sequencer.close();
    ask('two');
    sequencer.sendNext();
    expect(clock.pendingTimers).toBe(0);
    expect(wire()).toEqual(['create one e1', 'cancel resp_1']);
  });
});

describe('the answer to tool results', () => {
  test('waits for the end of what the caller says', () => {
    const { sequencer, askAboutResults, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    expect(wire()).toEqual([]);
    sequencer.callerStopped({ answered: false });
    sequencer.sendNext();
    expect(wire()).toEqual(['create results e1']);
  });

  test('waits for the answer that the server makes by itself, too', () => {
    const { sequencer, clock, askAboutResults, created, done, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    sequencer.callerStopped({ answered: true });
    clock.advance(500);
    created('resp_vad');
    expect(wire()).toEqual([]);
    done('resp_vad');
    expect(wire()).toEqual(['create results e1']);
  });

  test("is not asked for when the server's own answer came with the results in its hands", () => {
    const { sequencer, askAboutResults, created, done, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    sequencer.resultsSeen();
    sequencer.callerStopped({ answered: true });
    created('resp_vad');
    done('resp_vad');
    expect(wire()).toEqual([]);
  });

  test('is asked for when more results came after those that the server had', () => {
    const { sequencer, askAboutResults, created, done, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    sequencer.resultsSeen();
    askAboutResults();
    sequencer.callerStopped({ answered: true });
    created('resp_vad');
    done('resp_vad');
    expect(wire()).toEqual(['create results e1']);
  });

  test('is asked for when no answer comes by itself', () => {
    const { sequencer, clock, askAboutResults, wire } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    askAboutResults();
    sequencer.callerStopped({ answered: true });
    clock.advance(1_499);
    expect(wire()).toEqual([]);
    clock.advance(1);
    expect(wire()).toEqual(['create results e1']);
  });

  test('leaves no timer behind', () => {
    const { sequencer, clock } = startedSequencer();
    sequencer.callerSpeaks({ interrupts: true });
    sequencer.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a passing remark', () => {
  test('is made when nobody speaks', () => {
    const { remark, wire } = startedSequencer();
    remark();
    expect(wire()).toEqual(['create remark e1']);
  });

  test.each<[string, (sequencer: ReturnType<typeof startedSequencer>) => void]>([
    ['a response is active', ({ created }) => created('resp_vad')],
    ['another was asked for', ({ ask }) => ask()],
    ['the caller speaks', ({ sequencer }) => sequencer.callerSpeaks({ interrupts: true })],
    [
      'the server is about to answer',
      ({ sequencer }) => {
        sequencer.callerSpeaks({ interrupts: true });
        sequencer.callerStopped({ answered: true });
      },
    ],
  ])('is dropped when %s', (_, begin) => {
    const started = startedSequencer();
    begin(started);
    started.remark();
    started.done('resp_vad');
    expect(started.wire()).not.toContainEqual(expect.stringContaining('create remark'));
  });

  test('is not tried again after a conflict', () => {
    const { remark, conflict, clock, wire, told } = startedSequencer();
    remark();
    expect(conflict('e1')).toBe(true);
    clock.advance(5_000);
    expect(wire()).toEqual(['create remark e1']);
    expect(told).toEqual([]);
  });

  test('is cancelled when the caller began to speak before it had begun', () => {
    const { sequencer, remark, created, wire } = startedSequencer();
    remark();
    sequencer.callerSpeaks({ interrupts: true });
    created('resp_1', 'e1');
    expect(wire()).toEqual(['create remark e1', 'cancel resp_1']);
  });
});
