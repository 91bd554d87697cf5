select id as shop_id, name, zip, opened
from {{ ref('raw_shops') }} -- the seed
where name is not null
