/** Signing in. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { saslPieces, talkSasl } from "../../bridges/irc/sasl.ts";

suite("SASL", () => {
  test("PLAIN says account and password", async () => {
    const talk = talkSasl({ mechanism: "PLAIN", account: "dave", password: "pässword" });
    assert.equal((await talk(Buffer.alloc(0))).toString(), "dave\0dave\0pässword");
  });

  test("EXTERNAL leaves the account to the certificate when none is set", async () => {
    assert.equal((await talkSasl({ mechanism: "EXTERNAL", account: "", password: "" })(Buffer.alloc(0))).length, 0);
  });

  test("SCRAM-SHA-256 gives the proof that RFC 7677 has as its example, and believes the server that shows the right signature", async () => {
    const talk = talkSasl({ mechanism: "SCRAM-SHA-256", account: "user", password: "pencil" }, "rOprNGfwEbeRWgbNEkqO");
    assert.equal((await talk(Buffer.alloc(0))).toString(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const answer = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert.equal((await talk(Buffer.from(challenge))).toString(), answer);
    assert.equal((await talk(Buffer.from("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))).length, 0);
  });

  const nonsense: readonly (readonly [string, string])[] = [
    ["a nonce that is not ours", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
    ["a nonce without the server's half", "r=mine,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
    ["rounds that would take for ever", "r=mineandyours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999"],
    ["no rounds at all", "r=mineandyours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0"],
    ["words", "hello"],
  ];
  for (const [shows, challenge] of nonsense) {
    test(`a SCRAM challenge with ${shows} is not answered`, async () => {
      const talk = talkSasl({ mechanism: "SCRAM-SHA-256", account: "user", password: "pencil" }, "mine");
      await talk(Buffer.alloc(0));
      await assert.rejects(talk(Buffer.from(challenge)), /makes no sense/);
    });
  }

  test("a server that cannot show that it knows the password is not believed", async () => {
    const talk = talkSasl({ mechanism: "SCRAM-SHA-256", account: "user", password: "pencil" }, "mine");
    await talk(Buffer.alloc(0));
    await talk(Buffer.from("r=mineandyours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    await assert.rejects(talk(Buffer.from("v=AAAA")), /could not show/);
  });

  test("long answers go out in pieces of 400, and a last full one is followed by a plus", () => {
    assert.deepEqual(saslPieces(Buffer.from("abc")), ["YWJj"]);
    assert.deepEqual(saslPieces(Buffer.alloc(0)), ["+"]);
    const pieces = saslPieces(Buffer.alloc(600, "x"));
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      [400, 400, 1],
    );
    assert.equal(pieces.at(-1), "+");
  });
});
