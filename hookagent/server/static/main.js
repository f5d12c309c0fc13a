const answer = await fetch('/api/events');
const { events } = await answer.json();
const list = document.createElement('ol');
for (const event of events) {
  const line = document.createElement('li');
  line.textContent = `${event.received_at} ${event.source} ${event.type} ${event.id}`;
  list.append(line);
}
document.getElementById('page').append(list);
