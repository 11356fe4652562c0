import type { OfferReply } from '../../src/signalling/caller-leg';
import type { SentMessage } from '../support/fake-drachtio-server';
import { answerSent } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { describeCallerLeg, type FarEnd, type FarEndOptions } from './caller-leg.contract';

async function srfCall({ offer, ack, ackSdp = '' }: FarEndOptions): Promise<FarEnd> {
  const test = await LinkUnderTest.start();
  const { server } = test;
  const { leg, caller } = await test.invite({ body: offer ?? '' });
  const offerless = new Set<string>();
  const ackFrame = (body: string): string => caller.inDialogFrame('ACK', { body });
  const acked = answerSent(caller, () => (ack === 'at once' ? [ackFrame(offer === undefined ? ackSdp : '')] : []));
  server.reply = (message) => acked(message) ?? ackReinvite(message);

  const ackReinvite = (message: SentMessage): string[] | undefined => {
    if (!message.startLine.startsWith('SIP/2.0 200') || cseqOf(message) === '1 INVITE') return undefined;
    const isInvite = cseqOf(message).endsWith('INVITE');
    const sent = server.sentResponse(message, { dialogId: caller.dialogId });
    return isInvite ? [sent, ackFrame(offerless.has(cseqOf(message)) ? ackSdp : '')] : [sent];
  };

  return {
    leg,
    saw: () => server.messages.flatMap((message) => seen(message)),
    cancel: () => server.send(caller.cancelFrame()),
    bye: () => server.send(caller.inDialogFrame('BYE')),
    lose: () =>
      server.send(
        caller.inDialogFrame('BYE', { source: 'application', headers: { Reason: 'SIP;cause=200;text="ACK timeout"' } }),
      ),
    loseServer: () => server.dropConnections(),
    reinvite: (newOffer) => reinvite(newOffer),
    pressByInfo: (digit) =>
      server.send(
        caller.inDialogFrame('INFO', {
          body: `Signal=${digit}\r\nDuration=160\r\n`,
          headers: { 'Content-Type': 'application/dtmf-relay' },
        }),
      ),
    settle: () => test.settle(),
    close: () => test.close(),
  };

  async function reinvite(newOffer = ''): Promise<OfferReply> {
    const frame = caller.inDialogFrame('INVITE', { body: newOffer });
    const cseq = /CSeq: (\d+ INVITE)/.exec(frame)?.[1] ?? '';
    if (newOffer === '') offerless.add(cseq);
    server.send(frame);
    const response = await test.untilAnswered(cseq);
    const status = Number(response.startLine.split(' ')[1]);
    return status === 200 ? { sdp: response.body } : { status };
  }
}

function cseqOf(message: SentMessage): string {
  return message.headers.get('cseq') ?? '';
}

function seen(message: SentMessage): string[] {
  if (message.startLine.startsWith('BYE')) return ['bye'];
  if (cseqOf(message) !== '1 INVITE') return [];
  const status = Number(message.startLine.split(' ')[1]);
  if (status === 180) return ['ringing'];
  return [status === 200 ? `answered ${message.body}` : `rejected ${status}`];
}

describeCallerLeg('SrfCallerLeg', srfCall);
