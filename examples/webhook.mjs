// Proves a webhook that came. Node 18 or later, nothing to install.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

// Headers in lower case. Events come at least once: remember `webhook-id` and skip what you had.
export function read(secret, headers, body) {
  const stamp = headers["webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(stamp)) > 300) throw new Error("too old");
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  const signed = `${headers["webhook-id"]}.${stamp}.${body}`;
  const wanted = createHmac("sha256", key).update(signed).digest();
  // For a day after a rotation there are two signatures: one of them is enough.
  const given = headers["webhook-signature"].split(" ").map((one) => Buffer.from(one.split(",")[1] ?? "", "base64"));
  if (!given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted))) {
    throw new Error("not signed with our secret");
  }
  return JSON.parse(body);
}

const came = JSON.parse(readFileSync(0, "utf8"));
console.log(read(came.secret, came.headers, came.body).type);
