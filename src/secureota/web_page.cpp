#include "web_page.h"

namespace secureota {
namespace {

// The password never leaves the browser: the page answers a nonce as an invitation is answered
// (docs/format.md, 3.1). Browsers offer their own cryptography to HTTPS alone, so that SHA-256
// stands here.
const char kPage[] = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Update</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 32em; margin: 3em auto; padding: 0 1em }
form > * { display: block; margin: 1em 0 }
progress { width: 100% }
.accepted { color: #060 }
.refused { color: #a00 }
</style>
<h1>Update</h1>
<form>
<label>Signed image <input type="file" id="file" required></label>
<label id="ask" hidden>Password <input type="password" id="password" autocomplete="off"></label>
<button id="send">Update</button>
<progress id="progress" max="1" value="0" hidden></progress>
</form>
<p id="verdict" role="status"></p>
<script>
"use strict";
const byId = (id) => document.getElementById(id);
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

// ---- SHA-256 (FIPS 180-4); a state is eight words ----
const root = (n, power) => {
  const fraction = Math.pow(n, power) % 1;
  return Math.floor(fraction * 0x100000000) | 0;
};
const primes = [];
for (let n = 2; primes.length < 64; ++n) {
  if (primes.every((p) => n % p)) primes.push(n);
}
const K = primes.map((p) => root(p, 1 / 3));
const H = primes.slice(0, 8).map((p) => root(p, 1 / 2));
const W = new Int32Array(64);
const turn = (x, n) => (x >>> n) | (x << (32 - n));

function compress(state, block) {
  for (let i = 0; i < 16; ++i) W[i] = block[i];
  for (let i = 16; i < 64; ++i) {
    const a = W[i - 15], b = W[i - 2];
    W[i] = W[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + W[i - 7] +
           (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; ++i) {
    const s = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i] | 0;
    const t = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c)) | 0;
    h = g; g = f; f = e; e = d + s | 0; d = c; c = b; b = a; a = s + t | 0;
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => word + state[i] | 0);
}

// Blocks of 16 words; `before`: bytes that the state has seen already.
function padded(bytes, before) {
  const size = (bytes.length + 9 + 63) & ~63;
  const buffer = new Uint8Array(size);
  buffer.set(bytes);
  buffer[bytes.length] = 0x80;
  const view = new DataView(buffer.buffer);
  view.setUint32(size - 4, (bytes.length + before) * 8);
  const blocks = [];
  for (let at = 0; at < size; at += 64) {
    blocks.push(Array.from({ length: 16 }, (_, i) => view.getInt32(at + 4 * i)));
  }
  return blocks;
}
const bytesOf = (state) => {
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setInt32(4 * i, word));
  return new Uint8Array(out.buffer);
};
const sha256 = (bytes) => bytesOf(padded(bytes, 0).reduce(compress, H));

// PBKDF2-HMAC-SHA256 (RFC 8018) of one block; `key` has at most 64 bytes.
function pbkdf2(key, salt, rounds) {
  const start = (pad) => {
    const block = new Uint8Array(64).fill(pad);
    key.forEach((b, i) => { block[i] ^= b; });
    return padded(block, 0).slice(0, 1).reduce(compress, H);
  };
  const inner = start(0x36), outer = start(0x5c);
  const finish = (state, words) =>
      compress(state, [...words, 0x80000000 | 0, 0, 0, 0, 0, 0, 0, 96 * 8]);
  const first = new Uint8Array([...salt, 0, 0, 0, 1]);
  let u = finish(outer, padded(first, 64).reduce(compress, inner));
  const sum = u.slice();
  for (let i = 1; i < rounds; ++i) {
    u = finish(outer, finish(inner, u));
    for (let j = 0; j < 8; ++j) sum[j] ^= u[j];
  }
  return bytesOf(sum);
}

function answerTo(nonce, password) {
  const cnonce = hex(crypto.getRandomValues(new Uint8Array(32)));
  const secret = utf8(hex(sha256(utf8(password))));
  const key = hex(pbkdf2(secret, utf8(nonce + ":" + cnonce), 10000));
  return "200 " + cnonce + " " + hex(sha256(utf8(key + ":" + nonce + ":" + cnonce)));
}

// ---- the upload ----
function say(text, kind) {
  byId("verdict").textContent = text;
  byId("verdict").className = kind;
}
function show(part) {
  byId("progress").hidden = false;
  byId("progress").value = part;
}
async function challenge() {
  const answer = await fetch("/challenge");
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error("Refused. " + text);
  return { nonce: text, product: answer.headers.get("X-SecureOTA-Product") };
}

// What the file says of itself: its first line, or its manifest. The device decides; this spares
// somebody an upload that it would refuse.
const textOf = async (part) => new TextDecoder("latin1").decode(await part.arrayBuffer());
async function about(file) {
  const words = (await textOf(file.slice(0, 128))).split("\n")[0].split(" ");
  const hint = (key) => (words.find((word) => word.startsWith(key)) || "").slice(key.length);
  const end = await textOf(file.slice(-256));
  const files = hint("kind=") ? hint("kind=") === "fs" : end.startsWith("SOTAinfo\x01\x02");
  return { kind: files ? "100" : "0", product: hint("product=") };
}
function post(file, kind, password) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/update");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-SecureOTA-Kind", kind);
    if (password) request.setRequestHeader("X-SecureOTA-Password", password);
    request.upload.onprogress = (event) => show(event.loaded / event.total);
    request.onload = () => resolve(request.responseText.trim());
    request.onerror = () => reject(new Error("No answer. The connection to the device was lost."));
    request.send(file);
  });
}
document.querySelector("form").onsubmit = async (event) => {
  event.preventDefault();
  const file = byId("file").files[0];
  byId("send").disabled = true;
  say("Sending " + file.name + " ...", "");
  try {
    const { kind, product } = await about(file);
    const device = await challenge();
    if (product && device.product && product !== device.product) {
      throw new Error(`Not sent. The file is for ${product}; this device is ${device.product}.`);
    }
    ask(device.nonce);
    const password = device.nonce && answerTo(device.nonce, byId("password").value);
    const verdict = await post(file, kind, password);
    if (verdict === "OK") {
      show(1);
      say("Accepted. The device runs this image, or restarts into it now.", "accepted");
    } else {
      say("Refused. " + verdict, "refused");
    }
  } catch (error) {
    say(error.message, "refused");
  }
  byId("send").disabled = false;
};
const ask = (wanted) => { byId("ask").hidden = !wanted; };
challenge().then((device) => ask(device.nonce), () => ask(true));
</script>
</html>
)page";

}  // namespace

Bytes webPage() {
  return Bytes(reinterpret_cast<const uint8_t*>(kPage), sizeof kPage - 1);
}

}  // namespace secureota
