// What every client has to manage. Prints what it saw as one JSON object; the test compares that as a whole.
import { ASSIGN_COURSE, COURSE_ASSIGNMENTS, STUDENT_COURSES } from "./documents.mjs";

export const school = JSON.parse(process.argv[2]);
export const requests = [];

// fetch, remembering how each operation travelled.
export async function observedFetch(input, init = {}) {
  const url = new URL(input);
  const method = init.method ?? "GET";
  const isNamedByHash = method === "GET" ? url.searchParams.has("extensions") : /"sha256Hash"/.test(init.body);
  const holdsText = method === "GET" ? url.searchParams.has("query") : /"query":"/.test(init.body);
  requests.push([method, isNamedByHash && "hash", holdsText && "text"].filter(Boolean).join(" "));
  return fetch(input, init);
}

// An async iterator over what `subscribe({ next, error })` pushes; `subscribe` returns how to stop.
export async function* iterate(subscribe) {
  const events = [];
  let wake = () => {};
  const push = (event) => { events.push(event); wake(); };
  const stop = subscribe({ next: (value) => push({ value }), error: (error) => push({ error }) });
  try {
    for (;;) {
      while (events.length === 0) await new Promise((resolve) => { wake = resolve; });
      const { value, error } = events.shift();
      if (error) throw error;
      yield value;
    }
  } finally {
    stop();
  }
}

const titles = (data) => data.student.courses.edges.map((edge) => edge.node.title);
const told = ({ courseAssignments: event }) => `${event.kind} ${event.student.name} ${event.course.title}`;

async function take(count, events) {
  const taken = [];
  while (taken.length < count) taken.push((await events.next()).value);
  return taken;
}

// `query` and `mutate` give the data; `subscribe` gives an async iterator of data.
export async function journey({ query, mutate, subscribe }) {
  const page = { id: school.studentId, first: 2 };
  const first = await query(STUDENT_COURSES, page);
  const second = await query(STUDENT_COURSES, { ...page, after: first.student.courses.pageInfo.endCursor });

  const events = subscribe(COURSE_ASSIGNMENTS, { studentId: school.studentId, after: school.after });
  const missed = await take(3, events);
  const assign = (courseId) => mutate(ASSIGN_COURSE, { input: { studentId: school.studentId, courseId } });
  const assigned = await assign(school.openId);
  const live = await take(1, events);
  await events.return();
  const resumed = subscribe(COURSE_ASSIGNMENTS, { studentId: school.studentId, after: missed[1].courseAssignments.id });
  const again = await take(2, resumed);
  await resumed.return();

  return {
    pages: [titles(first), titles(second)],
    hasNextPage: [first, second].map((data) => data.student.courses.pageInfo.hasNextPage),
    assigned: assigned.assignCourse,
    refused: (await assign(school.fullId)).assignCourse,
    missed: missed.map(told),
    live: live.map(told),
    resumed: again.map(told),
  };
}

export function print(seen) {
  console.log(JSON.stringify({ ...seen, requests }));
}
