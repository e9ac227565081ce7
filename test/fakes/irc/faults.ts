/** What goes wrong on demand. All off at first. */
export interface Faults {
  /** The next message of a socket takes effect; then its connection breaks without an answer. */
  loseReply: boolean;
  /** Called when the next message of a socket has taken effect; nothing is read from that connection and nothing written to it any more. */
  held: (() => void) | undefined;
  /** The next message of a socket is lost on the way, and its connection breaks. */
  loseSend: boolean;
  /** Every line is answered so late, milliseconds on the wall. */
  slow: number;
  /** Sockets stay open; nothing is read or written. */
  hang: boolean;
  /** New connections are closed at once. */
  down: boolean;
  /** Registration never ends. */
  neverWelcome: boolean;
  /** Every nick is in use. */
  nickInUse: boolean;
  /** The connection is closed after USER. */
  closeWhileRegistering: boolean;
  /** SASL is not offered, as when services are away. */
  noSasl: boolean;
  /** The next SCRAM exchange is with somebody who does not know the password. */
  scramLies: boolean;
  /** Every CAP REQ of more than one name is refused. */
  refuseCaps: boolean;
  /** Labelled lines take effect and are never answered. */
  forgetLabels: boolean;
  /** 005 tokens instead of the profile's. */
  isupport: readonly string[] | undefined;
  /** Words of an ERROR line to new connections, which are closed then. */
  banned: string | undefined;
  /** The end of the message of the day never comes. */
  noMotdEnd: boolean;
}

export const noFaults = (): Faults => ({
  loseReply: false,
  held: undefined,
  loseSend: false,
  slow: 0,
  hang: false,
  down: false,
  neverWelcome: false,
  nickInUse: false,
  closeWhileRegistering: false,
  noSasl: false,
  scramLies: false,
  refuseCaps: false,
  forgetLabels: false,
  isupport: undefined,
  banned: undefined,
  noMotdEnd: false,
});

/** How fast a connection may speak, as servers count it: each line costs one, `perSecond` are forgiven, over `most` is too much. */
export interface FloodLimit {
  readonly most: number;
  readonly perSecond: number;
  /** Faster than the wall, for tests whose clock is. */
  readonly speed?: number;
}
