select f.month, f.euros, w.rain
from {{ ref('forecast') }} as f
join {{ source('weather', 'days') }} as w on w.month = f.month
