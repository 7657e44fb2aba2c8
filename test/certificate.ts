import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM; it is its own authority, so clients trust it as their CA. */
  certificate: string;
  /** PEM. */
  key: string;
}

/**
 * Makes a certificate for this machine's loopback names (127.0.0.1, ::1, localhost), valid for a day.
 * X.509 by hand (RFC 5280), so that tests need no openssl.
 */
export function makeCertificate(commonName = "platform-packages test"): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = certificateBody(commonName, publicKey);
  const signature = sign("sha256", body, privateKey);
  const der = sequence(body, ecdsaWithSha256, bits(signature));
  const base64 = der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function certificateBody(commonName: string, publicKey: KeyObject): Buffer {
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8(commonName))));
  const now = Date.now();
  const hour = 3_600_000;
  return sequence(
    element(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(time(now - hour), time(now + 24 * hour)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(authority, serverNames)),
  );
}

// ── DER ───────────────────────────────────────────────────────────────────────────────────────

function element(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return element(0x30, ...parts);
}

function set(...parts: Buffer[]): Buffer {
  return element(0x31, ...parts);
}

function integer(value: Buffer): Buffer {
  return element(0x02, value);
}

function bits(value: Buffer): Buffer {
  return element(0x03, Buffer.from([0]), value);
}

function utf8(text: string): Buffer {
  return element(0x0c, Buffer.from(text));
}

function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return element(0x17, Buffer.from(text.slice(2))); // UTCTime: two digits of the year
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 0x80), value & 0x7f];
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const yes = element(0x01, Buffer.from([0xff]));

/** basicConstraints, critical: it may be an authority, of itself. */
const authority = sequence(oid("2.5.29.19"), yes, element(0x04, sequence(yes)));

/** subjectAltName */
const serverNames = sequence(
  oid("2.5.29.17"),
  element(
    0x04,
    sequence(
      element(0x82, Buffer.from("localhost")),
      element(0x87, Buffer.from([127, 0, 0, 1])),
      element(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
    ),
  ),
);
