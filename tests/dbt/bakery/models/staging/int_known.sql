{{ config(materialized='ephemeral') }}
select s.*, p.cents as list_price
from {{ ref('stg_sales') }} as s
join {{ source('files', 'prices') }} as p on p.bread = s.bread
