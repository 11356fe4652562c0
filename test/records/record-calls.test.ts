import type { CallEvent } from '../../src/call/call-observer';
import { RecordCalls } from '../../src/records/record-calls';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { endedCall, refusedCall } from '../support/ended-call';

const answering: CallEvent = { kind: 'state', from: 'ringing', to: 'answering' };
const active: CallEvent = { kind: 'state', from: 'answering', to: 'active' };
const ended: CallEvent = { kind: 'ended', reason: { kind: 'agent-hung-up' }, blame: 'nobody' };

function setUp() {
  const lines: string[] = [];
  const journal = {
    append: (record: object, { durable }: { durable: boolean }) => {
      const { type, callId } = record as { type: string; callId: string };
      lines.push(`${type} ${callId}${durable ? ' durable' : ''}`);
    },
  };
  return { lines, recorder: new RecordCalls({ journal, clock: new VirtualClock() }) };
}

test('an answered call has its start before it is active, and one durable end', () => {
  const { lines, recorder } = setUp();
  recorder.onCallEvent(answering, endedCall());
  expect(lines).toEqual(['call.start call-1']);
  recorder.onCallEvent(active, endedCall());
  recorder.onCallEvent({ kind: 'transcript', itemId: 'i', by: 'caller', text: 'hello' }, endedCall());
  recorder.onCallEvent(ended, endedCall());
  expect(lines).toEqual(['call.start call-1', 'call.end call-1 durable']);
});

test('a refused call has an end only', () => {
  const { lines, recorder } = setUp();
  recorder.onCallEvent({ kind: 'state', from: 'ringing', to: 'ending' }, refusedCall());
  recorder.onCallEvent(ended, refusedCall());
  expect(lines).toEqual(['call.end call-1 durable']);
});

test('a call that is told to have ended twice is recorded once', () => {
  const { lines, recorder } = setUp();
  recorder.onCallEvent(ended, endedCall());
  recorder.onCallEvent(ended, endedCall());
  recorder.onCallEvent(ended, endedCall({ callId: 'call-2' }));
  expect(lines).toEqual(['call.end call-1 durable', 'call.end call-2 durable']);
});
