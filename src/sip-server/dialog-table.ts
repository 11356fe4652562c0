import type { Application } from './application';
import type { Dialog } from './dialog';
import type { Essentials } from './essentials';
import type { SipServerStats } from './stats';

/** All dialogs, by the application's id and by the three values that a peer's request carries. */
export class DialogTable {
  readonly #stats: SipServerStats;
  readonly #byId = new Map<string, Dialog>();
  readonly #byTags = new Map<string, Dialog>();
  #subscriptions = 0;

  constructor(stats: SipServerStats) {
    this.#stats = stats;
  }

  get size(): number {
    return this.#byTags.size;
  }

  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** Forks of one INVITE share an id; the latest added that the application hears of is the one the id means. */
  add(dialog: Dialog): void {
    this.#stats.dialogsCreated += 1;
    if (dialog.usage === 'SUBSCRIBE') this.#subscriptions += 1;
    // A subscription that bears a call's id must not take the call out of its application's reach.
    const isFree = dialog.usage === 'INVITE' || this.usageOf(dialog.id) !== 'INVITE';
    if (!dialog.isUnheard && isFree) this.#byId.set(dialog.id, dialog);
    this.#byTags.set(keyOf(dialog.callId, dialog.localTag, dialog.remoteTag), dialog);
  }

  /** What the id means, whosever it is; undefined when it means nothing. */
  usageOf(id: string): Dialog['usage'] | undefined {
    return this.#byId.get(id)?.usage;
  }

  /** Makes the application's id mean this one of several forks. */
  prefer(dialog: Dialog): void {
    if (dialog.state !== 'ended') this.#byId.set(dialog.id, dialog);
  }

  /** Ends the dialog. Twice is fine. */
  remove(dialog: Dialog): void {
    if (dialog.state === 'ended') return;
    this.#stats.dialogsEnded += 1;
    if (dialog.usage === 'SUBSCRIBE') this.#subscriptions -= 1;
    this.#byTags.delete(keyOf(dialog.callId, dialog.localTag, dialog.remoteTag));
    if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    dialog.end();
  }

  byId(id: string, application: Application): Dialog | undefined {
    const dialog = this.#byId.get(id);
    return dialog?.application === application ? dialog : undefined;
  }

  /** The dialog that a peer's request belongs to (RFC 3261 section 12.2.2): its To tag is ours. */
  ofRequest({ callId, fromTag, toTag }: Essentials): Dialog | undefined {
    return this.#byTags.get(keyOf(callId, toTag ?? '', fromTag ?? ''));
  }

  all(): Dialog[] {
    return [...this.#byTags.values()];
  }

  ownedBy(application: Application): Dialog[] {
    return this.all().filter((dialog) => dialog.application === application);
  }
}

/** Identifiers hold no space. */
function keyOf(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}
