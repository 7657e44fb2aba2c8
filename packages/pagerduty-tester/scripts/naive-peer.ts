/** The peer of the benchmark: a job of croner's for each person, with a timer of its own, as one writes it first. */
import { readFileSync } from "node:fs";
import { Cron } from "croner";
import { parse } from "yaml";

const [file = ""] = process.argv.slice(2);
const { users } = parse(readFileSync(file, "utf8")) as { users: { id: string; cron: string }[] };
for (const { id, cron } of users) {
  const split = cron.lastIndexOf(" ");
  const timezone = cron.slice(split + 1);
  new Cron(cron.slice(0, split), { timezone }, () => console.log(id, Date.now()));
}
console.log("ready");
