import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { requestText } from '../sip-server/test-peer';

/** Messages to begin with: the torture messages, and what phones send, with To tags that may hit a dialog of ours. */
export function sipCorpus(): Buffer[] {
  const fixtures = path.join(__dirname, '..', 'fixtures');
  const torture = ['rfc4475', 'rfc5118'].flatMap((folder) =>
    readdirSync(path.join(fixtures, folder))
      .filter((name) => name.endsWith('.dat'))
      .sort()
      .map((name) => readFileSync(path.join(fixtures, folder, name))),
  );
  const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
  const usual = [
    requestText('INVITE', { body: sdp, headers: ['Supported: 100rel, timer', 'Session-Expires: 1800;refresher=uac'] }),
    requestText('INVITE', { body: sdp, cseq: 2, branch: 'z9hG4bK-again', toTag: '@tag' }),
    requestText('ACK', { toTag: '@tag' }),
    requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }),
    requestText('BYE', { cseq: 9, toTag: '@tag' }),
    requestText('UPDATE', { cseq: 3, toTag: '@tag' }),
    requestText('PRACK', { cseq: 4, toTag: '@tag', headers: ['RAck: 1 1 INVITE'] }),
    requestText('INFO', { cseq: 5, toTag: '@tag' }),
    requestText('REFER', { headers: ['Refer-To: <sip:carol@127.0.0.3?Replaces=a%3Bb>'] }),
    requestText('SUBSCRIBE', { headers: ['Event: presence', 'Expires: 60'] }),
    requestText('NOTIFY', { toTag: '@tag', cseq: 6, headers: ['Event: presence', 'Subscription-State: terminated'] }),
    requestText('REGISTER', {
      headers: ['Contact: <sip:a@127.0.0.2>;expires=60', 'Authorization: Digest username="a"'],
    }),
    requestText('OPTIONS'),
  ];
  return [...torture, ...usual.map((text) => Buffer.from(text, 'latin1'))];
}
